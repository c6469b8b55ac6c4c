-- Whether a hit is among the rows that a commit of unknown outcome would have made.
select 1
from events
where event_id > :before and event_id <= :last
    and at = :at and campaign_id = :campaign_id and kind = :kind
    and link = :link and message = :message and flags = :flags
limit 1
