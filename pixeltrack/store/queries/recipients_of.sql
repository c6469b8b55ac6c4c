-- Whose some messages are, of those that may be told of a person and are not silenced.
select messages.message, messages.recipient_id
from json_each(:messages) as wanted
cross join messages on messages.campaign_id = :campaign_id and messages.message = wanted.value
where (messages.opens = 5 or messages.clicks = 5) and not exists (
    select 1 from silenced
    where silenced.campaign_id = messages.campaign_id and silenced.message = messages.message
)
