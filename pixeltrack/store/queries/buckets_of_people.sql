-- In which buckets the hits are of all copies of some people, given as a JSON array.
select distinct messages.campaign_id << 20 | (messages.message & 1048575)
from json_each(:people) as wanted
cross join messages on messages.recipient_id = wanted.value
