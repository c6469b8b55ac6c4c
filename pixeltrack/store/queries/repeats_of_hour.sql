-- What a URL's hits of an hour are counted by.
select agents.agent, repeats.flags, coalesce(networks.network, '') as network, repeats.agent_id, repeats.network_id
from repeats
join agents using (agent_id)
left join networks using (network_id)
where repeats.campaign_id = :campaign_id and repeats.message = :message and repeats.hour = :hour
    and repeats.kind = :kind and repeats.link = :link
