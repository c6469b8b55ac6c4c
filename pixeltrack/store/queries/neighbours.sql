-- Hits of one chunk with an address: judging looks which of them are near in time to new ones.
select address, at, message, event_id, campaign_id
from events
where event_id > :after and event_id <= :upto and address <> 0 and flags & 4 = 0
    and at >= :first and at <= :last
