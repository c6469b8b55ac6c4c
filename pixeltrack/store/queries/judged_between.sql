-- A stretch of hits in order of arrival, as an export reads them; of one campaign, or of all (null).
select campaign_id, event_id, message, at, kind, link, agent_id, flags, network_id, address
from events
where event_id > :after and event_id <= :upto and campaign_id <> 0
    and (:campaign_id is null or campaign_id = :campaign_id)
    and at >= :since and at < :until
order by event_id
