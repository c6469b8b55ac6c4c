-- How many messages a campaign has, and how many of them are tracked.
select count(*) as messages, coalesce(sum(tracked), 0) as tracked
from messages
where campaign_id = :campaign_id
