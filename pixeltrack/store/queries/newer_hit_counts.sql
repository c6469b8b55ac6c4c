-- The hits behind those that are indexed.
select campaign_id, count(*) as hits
from events
where event_id > :indexed and campaign_id <> 0
group by campaign_id
