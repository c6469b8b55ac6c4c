-- A campaign's recipients who are counted together, by list and group.
select crowd, opens, clicks, recipients, company, industry, size, region
from crowds
where campaign_id = :campaign_id
order by crowd, recipients desc, company, industry, size, region
