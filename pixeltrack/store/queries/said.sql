-- What sites have said of orders and other goals, of one goal or of all; what machines told may be left out.
-- A signed row keeps the class of who told of it before without one: it is no machine's.
select goals.name, conversions.order_id, conversions.entry, conversions.at, conversions.value,
    conversions.currency, conversions.whole, conversions.campaign_id, conversions.message,
    conversions.verified, conversions.repeats, conversions.contradicted
from conversions
join goals using (goal_id)
where (:goal is null or goals.name = :goal) and (:machines or conversions.class <> 4 or conversions.verified)
