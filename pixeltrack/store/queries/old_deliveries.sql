-- Facts from before a time that still have theirs, each with its place among those of its message. Without a
-- message there is no order to keep.
select case when message = 0 then 0 else place end as place, event_id
from (
    select event_id, message, at, rank() over (partition by campaign_id, message order by at) as place
    from deliveries
    where campaign_id in (select campaign_id from deliveries where at >= :places and at < :before)
)
where at >= :places and at < :before
