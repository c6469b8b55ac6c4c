-- What a stretch of hits was, for totals.
select event_id, campaign_id, kind
from events
where event_id > :after and event_id <= :upto and campaign_id <> 0
order by event_id
