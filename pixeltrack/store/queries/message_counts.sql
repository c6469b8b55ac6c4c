-- How many messages a campaign has, of how many something is measured, and then opens, and clicks; the same of
-- those that are counted together with others (modes 1 and 2).
select count(*) as messages, coalesce(sum(tracked), 0) as tracked,
    coalesce(sum(opens >= 4), 0) as opens, coalesce(sum(clicks >= 4), 0) as clicks,
    coalesce(sum(opens in (1, 2) or clicks in (1, 2)), 0) as together,
    coalesce(sum(opens in (1, 2)), 0) as opens_together,
    coalesce(sum(clicks in (1, 2)), 0) as clicks_together
from messages
where campaign_id = :campaign_id
