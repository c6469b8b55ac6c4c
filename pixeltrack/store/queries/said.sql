-- What sites have said of orders and other goals, of one goal or of all.
select goals.name, conversions.order_id, conversions.entry, conversions.at, conversions.value,
    conversions.currency, conversions.whole, conversions.campaign_id, conversions.message,
    conversions.verified, conversions.repeats, conversions.contradicted
from conversions
join goals using (goal_id)
where :goal is null or goals.name = :goal
