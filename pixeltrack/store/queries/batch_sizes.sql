-- How many messages of each version there are in each batch of a campaign, of how many of them something is
-- measured, and then opens, and clicks; those too of people who were erased. Hits of pseudonymous copies
-- (mode 4) name no message of these.
select batch, version, sum(copies) as messages, sum(copies * (opens = 5 or clicks = 5)) as tracked,
    sum(copies * (opens = 5)) as opens, sum(copies * (clicks = 5)) as clicks
from (
    select batch, version, opens, clicks, 1 as copies from messages where campaign_id = :campaign_id
    union all
    select batch, version, opens, clicks, messages from kept_audience where campaign_id = :campaign_id
)
group by batch, version
order by batch, version
