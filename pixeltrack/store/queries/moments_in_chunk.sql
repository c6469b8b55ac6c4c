-- A campaign's hits of a stretch of time, among some numbers.
select event_id, at, message
from events
where event_id >= :begin and event_id < :behind
    and campaign_id = :campaign_id and at >= :since and at < :until
