-- Hits from before a time by campaign, those too that were only counted.
select campaigns.name, sum(old.hits) as hits
from (
    select campaign_id, count(*) as hits
    from events
    where at < :before and campaign_id <> 0
    group by campaign_id
    union all
    select campaign_id, sum(hits) from repeats where hour < :before group by campaign_id
) as old
join campaigns using (campaign_id)
group by campaigns.campaign_id
order by hits desc, campaigns.name
