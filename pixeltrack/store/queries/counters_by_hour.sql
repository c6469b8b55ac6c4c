-- Hits that belong to nobody, by kind and hour; machines (class 4) left out.
select kind, hour, sum(hits) as hits
from counters
where campaign_id = :campaign_id and hour >= :since and hour < :until and class <> 4
group by kind, hour
