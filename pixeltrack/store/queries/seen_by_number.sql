-- Hits as a report counts them, by a JSON array of their numbers.
select events.event_id, events.message, events.at, events.kind, events.link, events.agent_id,
    events.flags, events.network_id
from json_each(:numbers) as wanted
cross join events on events.event_id = wanted.value
