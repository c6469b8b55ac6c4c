-- Hits of a kind as attribution needs them, by a JSON array of their numbers: with their copies' people, and
-- whether these may be told of it.
select events.at, events.campaign_id, events.message, events.link, events.kind, messages.recipient_id,
    iif(:kind = 1, messages.opens, messages.clicks) = 5
from json_each(:numbers) as wanted
cross join events on events.event_id = wanted.value
left join messages on messages.campaign_id = events.campaign_id and messages.message = events.message
where events.kind = :kind and events.at between :first and :last
