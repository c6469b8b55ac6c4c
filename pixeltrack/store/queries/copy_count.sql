-- How many copies some people got, given as a JSON array.
select count(*)
from json_each(:people) as wanted
cross join messages on messages.recipient_id = wanted.value
