-- How many messages of each version there are in each batch of a campaign, and how many of them are
-- tracked; those too of people who were erased.
select batch, version, sum(messages) as messages, sum(tracked) as tracked
from (
    select batch, version, count(*) as messages, sum(tracked) as tracked
    from messages
    where campaign_id = :campaign_id
    group by batch, version
    union all
    select batch, version, messages, messages * tracked from kept_audience where campaign_id = :campaign_id
)
group by batch, version
order by batch, version
