-- How many messages of each version there are in each batch of a campaign, of how many of them something is
-- measured, and then opens, and clicks; hits of pseudonymous copies (mode 4) name no message of these.
select batch, version, count(*) as messages, sum(opens = 5 or clicks = 5) as tracked,
    sum(opens = 5) as opens, sum(clicks = 5) as clicks
from messages
where campaign_id = :campaign_id
group by batch, version
order by batch, version
