-- Hits as attribution needs them, by a JSON array of their numbers.
select events.at, events.campaign_id, events.message, events.link, events.kind
from json_each(:numbers) as wanted
cross join events on events.event_id = wanted.value
where events.at between :first and :last
