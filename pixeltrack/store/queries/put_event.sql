-- One hit, unless the person has stopped tracking: the check is part of the write, so it holds for
-- every process and for mail sent before the withdrawal. Numbered, as names cost a dictionary a hit.
insert into events (at, campaign_id, kind, link, message, agent_id, flags, network_id, address)
select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
where not exists (
    select 1 from silenced where campaign_id = ?2 and message = ?5 and kinds & ?3
)
