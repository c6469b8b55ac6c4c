-- How many messages of each version there are in each batch of a campaign, and how many of them are tracked.
select batch, version, count(*) as messages, sum(tracked) as tracked
from messages
where campaign_id = :campaign_id
group by batch, version
order by batch, version
