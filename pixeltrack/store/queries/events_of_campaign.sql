-- All hits of a campaign, one message after the other, each in order of time. Reads all events: reports
-- go by message_events.
select events.message, events.at, events.kind, events.link, agents.agent, events.flags
from events
join agents using (agent_id)
where events.campaign_id = :campaign_id
order by events.message, events.at, events.event_id
