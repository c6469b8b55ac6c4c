-- Where the hits of some messages are, as far as there are any up to a number.
select message_events.events
from json_each(:buckets) as wanted
cross join message_events on message_events.bucket = wanted.value
where substr(message_events.events, 1, 4) <= :last
