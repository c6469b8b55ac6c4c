-- Count a message on of which the person is erased. Of the address' domain no more is kept than is shown.
insert into kept_audience (campaign_id, batch, version, tracked, opens, clicks, domain, messages)
select campaign_id, batch, version, tracked, opens, clicks, :domain, 1
from messages
where campaign_id = :campaign_id and message = :message
on conflict (campaign_id, batch, version, tracked, opens, clicks, domain) do update
set messages = messages + excluded.messages
