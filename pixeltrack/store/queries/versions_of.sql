-- The versions of some messages of a campaign, given as a JSON array.
select messages.message, messages.version
from json_each(:messages) as wanted
cross join messages on messages.campaign_id = :campaign_id and messages.message = wanted.value
