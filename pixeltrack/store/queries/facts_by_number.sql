-- Single hits as judging reads them, by a JSON array of their numbers.
select campaign_id, event_id, message, at, kind, link, agent_id, flags, network_id, address
from json_each(:numbers) as wanted
cross join events on events.event_id = wanted.value
