-- How many hits each campaign has, as far as they are indexed; a bucket's number begins with its campaign.
select bucket >> 20 as campaign_id, sum(length(events)) / 4 as hits
from message_events
group by 1
