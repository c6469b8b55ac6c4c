-- All hits of a campaign, one message after the other, each in order of time, with how many each stands
-- for. A count stands here as two hits: its first, and its last with the weight of all others.
select events.message, events.at, events.kind, events.link, agents.agent, events.flags, 1 as hits
from events
join agents using (agent_id)
where events.campaign_id = :campaign_id
union all
select repeats.message, repeats.first_at, repeats.kind, repeats.link, agents.agent, repeats.flags | 8, 1
from repeats
join agents using (agent_id)
where repeats.campaign_id = :campaign_id
union all
select repeats.message, repeats.last_at, repeats.kind, repeats.link, agents.agent, repeats.flags | 8, repeats.hits - 1
from repeats
join agents using (agent_id)
where repeats.campaign_id = :campaign_id and repeats.hits > 1
order by 1, 2, 3, 4, 5
