-- How many messages a campaign has, and how many of them are tracked; those too of people who were erased.
select sum(messages) as messages, sum(tracked) as tracked
from (
    select count(*) as messages, coalesce(sum(tracked), 0) as tracked
    from messages
    where campaign_id = :campaign_id
    union all
    select coalesce(sum(messages), 0), coalesce(sum(messages * tracked), 0)
    from kept_audience
    where campaign_id = :campaign_id
)
