-- The agents that a URL's hits of an hour are counted by.
select distinct agents.agent_id, agents.agent
from repeats
join agents using (agent_id)
where repeats.campaign_id = :campaign_id and repeats.message = :message and repeats.hour = :hour
    and repeats.kind = :kind and repeats.link = :link
