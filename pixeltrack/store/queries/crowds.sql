-- A campaign's recipients who are counted together, by list and group.
select crowd, opens, clicks, company, industry, size, region, recipients
from crowds
where campaign_id = :campaign_id
order by crowd, recipients desc, company, industry, size, region
