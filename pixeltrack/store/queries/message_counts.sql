-- How many messages a campaign has, of how many something is measured, and then opens, and clicks; the same of
-- those that are counted together with others (modes 1 and 2); all with those of people who were erased.
select coalesce(sum(copies), 0) as messages, coalesce(sum(copies * tracked), 0) as tracked,
    coalesce(sum(copies * (opens >= 4)), 0) as opens, coalesce(sum(copies * (clicks >= 4)), 0) as clicks,
    coalesce(sum(copies * (opens in (1, 2) or clicks in (1, 2))), 0) as together,
    coalesce(sum(copies * (opens in (1, 2))), 0) as opens_together,
    coalesce(sum(copies * (clicks in (1, 2))), 0) as clicks_together
from (
    select 1 as copies, tracked, opens, clicks from messages where campaign_id = :campaign_id
    union all
    select messages, tracked, opens, clicks from kept_audience where campaign_id = :campaign_id
)
