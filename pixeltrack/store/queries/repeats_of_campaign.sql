-- The counts of hits that were not kept one by one, message by message and in order of time.
select repeats.message, repeats.kind, repeats.link, agents.agent, repeats.hits, repeats.first_at, repeats.last_at
from repeats
join agents using (agent_id)
where repeats.campaign_id = :campaign_id
order by repeats.message, repeats.first_at
