-- Hits that belong to nobody, by group and kind, and whether they are of machines (class 4).
select crowd, kind, class = 4 as machine, sum(hits) as hits
from counters
where campaign_id = :campaign_id and hour >= :since and hour < :until
group by crowd, kind, machine
