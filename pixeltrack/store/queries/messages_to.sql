-- The messages of a campaign to some addresses, given as a JSON array.
select recipients.identity, messages.message
from json_each(:identities) as wanted
cross join recipients on recipients.identity = wanted.value
join messages on messages.recipient_id = recipients.recipient_id and messages.campaign_id = :campaign_id
