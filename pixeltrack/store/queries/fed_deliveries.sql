-- What mail systems reported, by its places in the feed. A time below :places is forgotten, and a place.
select feed, event_id, campaign_id, message, kind, bounce, iif(at < :places, null, at), source
from json_each(:numbers) as wanted
cross join deliveries on deliveries.feed = wanted.value
