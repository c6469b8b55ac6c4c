-- Conversions by their places in the feed.
select feed, conversion_id, goals.name, sites.host, order_id, entry, at, conversions.value, currency, whole, campaign_id,
    message, source, verified
from json_each(:numbers) as wanted
cross join conversions on conversions.feed = wanted.value
join goals using (goal_id)
join sites using (site_id)
