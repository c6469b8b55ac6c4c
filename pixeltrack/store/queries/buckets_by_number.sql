-- Where the hits of some messages are.
select message_events.bucket, message_events.events
from json_each(:buckets) as wanted
cross join message_events on message_events.bucket = wanted.value
