-- Hits of a kind among those with a stretch of numbers, of people who may be told of by name: see told_of.
select events.event_id, events.campaign_id, events.message, events.link, messages.recipient_id
from events
cross join messages on messages.campaign_id = events.campaign_id and messages.message = events.message
left join silenced on silenced.campaign_id = events.campaign_id and silenced.message = events.message
where events.event_id between :first and :last
    and events.kind = :kind and events.at >= :since
    and (:campaign_id is null or events.campaign_id = :campaign_id)
    and iif(:kind = 1, messages.opens, messages.clicks) = 5
    and not coalesce(silenced.kinds, 0) & :kind
