-- What is known of each goal. Orders are the rows without an entry, and those that have no order at all.
select goal_id,
    (select count(*) from conversions where conversions.goal_id = goals.goal_id
        and (entry = '' or order_id = '')),
    (select count(*) from conversions where conversions.goal_id = goals.goal_id
        and (entry = '' or order_id = '') and verified),
    (select coalesce(sum(contradicted), 0) from conversions where conversions.goal_id = goals.goal_id),
    (select coalesce(sum(signal), 0) from conversions where conversions.goal_id = goals.goal_id),
    (select coalesce(sum(beyond), 0) from site_hours where what = 2 and place = goals.goal_id)
from goals
