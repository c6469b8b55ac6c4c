-- Note up to which hit things are judged, the first time that hits of some messages' runs are deleted.
insert or ignore into closed_batches (campaign_id, batch, event)
select distinct messages.campaign_id, messages.batch, :event
from json_each(:messages) as wanted
cross join messages on messages.campaign_id = :campaign_id and messages.message = wanted.value
