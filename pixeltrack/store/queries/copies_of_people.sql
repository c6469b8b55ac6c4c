-- All copies of some people of which opens (1) or clicks (2) may be told of a person, by a JSON array.
select messages.recipient_id, messages.campaign_id, messages.message,
    (messages.opens = 5) + 2 * (messages.clicks = 5)
from json_each(:people) as wanted
cross join messages on messages.recipient_id = wanted.value
where messages.opens = 5 or messages.clicks = 5
