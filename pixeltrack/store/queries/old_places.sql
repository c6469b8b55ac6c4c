-- The messages with a hit from before a time, among hits in a row.
select distinct campaign_id, message
from events
where event_id >= :first and event_id < :behind and at < :before and campaign_id <> 0
