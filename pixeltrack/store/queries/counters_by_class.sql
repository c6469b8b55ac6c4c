-- Hits that belong to nobody, by kind and class of client.
select kind, class, sum(hits) as hits
from counters
where campaign_id = :campaign_id and hour >= :since and hour < :until
group by kind, class
