-- Whose some copies of a campaign's mail are, and what may be told of these people: 1 opens, 2 clicks.
select messages.message, messages.recipient_id, (messages.opens = 5) + 2 * (messages.clicks = 5)
from json_each(:messages) as wanted
cross join messages on messages.campaign_id = :campaign_id and messages.message = wanted.value
