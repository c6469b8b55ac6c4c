-- Hits of one URL and hour, alike in all else, unless the person has stopped tracking (as in put_event).
insert into repeats
    (campaign_id, message, hour, kind, link, agent_id, flags, network_id, hits, first_at, last_at)
select :campaign_id, :message, :hour, :kind, :link, :agent_id, :flags, :network_id, :hits, :first_at, :last_at
where not exists (
    select 1 from silenced where campaign_id = :campaign_id and message = :message and kinds & :kind
)
on conflict (campaign_id, message, hour, kind, link, agent_id, flags, network_id) do update set
    hits = hits + excluded.hits,
    first_at = min(first_at, excluded.first_at),
    last_at = max(last_at, excluded.last_at)
