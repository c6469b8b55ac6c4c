-- The counts of some messages' hits, the messages given as a JSON array of campaign and message.
select
    repeats.campaign_id, repeats.message, repeats.hour, repeats.kind, repeats.link, repeats.agent_id,
    repeats.flags, repeats.network_id, agents.agent, coalesce(networks.network, '') as network,
    repeats.hits, repeats.first_at, repeats.last_at
from json_each(:places) as wanted
cross join repeats
    on repeats.campaign_id = json_extract(wanted.value, '$[0]')
    and repeats.message = json_extract(wanted.value, '$[1]')
join agents using (agent_id)
left join networks using (network_id)
order by repeats.campaign_id, repeats.message, repeats.hour
