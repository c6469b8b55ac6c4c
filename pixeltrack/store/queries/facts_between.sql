-- A stretch of hits as judging reads them.
select campaign_id, event_id, message, at, kind, link, agent_id, flags, network_id, address
from events
where event_id > :after and event_id <= :upto and campaign_id <> 0
order by event_id
