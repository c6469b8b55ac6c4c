-- What sites said of orders of whoever got a message, what somebody else took back of them too.
select name, order_id, entry, at, value, currency, whole, source, verified
from conversions
join goals using (goal_id)
where (campaign_id = ?1 and message = ?2)
    or (order_id <> '' and (goal_id, order_id) in (
        select goal_id, order_id from conversions where campaign_id = ?1 and message = ?2
    ))
order by at, entry
