-- One hit, unless the person has stopped tracking: the check is part of the write, so it holds for
-- every process and for mail sent before the withdrawal.
insert into events (at, campaign_id, kind, link, message, agent_id, flags)
select :at, :campaign_id, :kind, :link, :message, :agent_id, :flags
where not exists (
    select 1 from silenced where campaign_id = :campaign_id and message = :message
)
