-- The counts of hits that were not kept one by one.
select
    repeats.message, repeats.kind, repeats.link, agents.agent, repeats.flags,
    coalesce(networks.network, '') as network, repeats.hits, repeats.first_at, repeats.last_at
from repeats
join agents using (agent_id)
left join networks using (network_id)
where repeats.campaign_id = :campaign_id
