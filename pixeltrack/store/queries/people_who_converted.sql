-- The copies that led to a goal, with their people, where they may be told of by name.
select distinct conversions.campaign_id, conversions.message, messages.recipient_id
from conversions
join goals using (goal_id)
join messages on messages.campaign_id = conversions.campaign_id and messages.message = conversions.message
left join silenced on silenced.campaign_id = messages.campaign_id and silenced.message = messages.message
where goals.name = :goal and messages.clicks = 5 and not coalesce(silenced.kinds, 0) & 2
    and (:campaign_id is null or conversions.campaign_id = :campaign_id)
