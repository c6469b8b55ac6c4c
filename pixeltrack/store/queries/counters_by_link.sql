-- Clicks that belong to nobody, by link, and whether they are of machines (class 4).
select link, class = 4 as machine, sum(hits) as hits
from counters
where campaign_id = :campaign_id and hour >= :since and hour < :until and kind = 2
group by link, machine
