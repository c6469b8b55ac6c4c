-- Who stopped tracking, or was erased, while a mail was being made is silenced in that mail too: it was
-- rendered from opt-outs read before. For pseudonymous copies as in silence_subject.
with refused as (
    select messages.message, silenced.kinds
    from silenced
    join messages as sent on sent.campaign_id = silenced.campaign_id and sent.message = silenced.message
    join messages on messages.recipient_id = sent.recipient_id and messages.campaign_id = :campaign_id
    where silenced.why = 'person' and silenced.campaign_id <> :campaign_id
    union all
    select messages.message, case optouts.scope when 'opens' then 1 when 'clicks' then 2 else 3 end
    from optouts
    join recipients on recipients.subject = optouts.subject
    join messages on messages.recipient_id = recipients.recipient_id and messages.campaign_id = :campaign_id
    where optouts.scope in ('tracking', 'opens', 'clicks')
),
fresh as (
    select messages.recipient_id, refused.message, messages.opens, messages.clicks,
        max(refused.kinds & 1) | max(refused.kinds & 2) as kinds
    from refused
    join messages on messages.campaign_id = :campaign_id and messages.message = refused.message
    group by refused.message
)
insert into silenced (campaign_id, message, why, kinds)
select :campaign_id, message, 'person', kinds from fresh
union all
select :campaign_id, unlinked(campaigns.code, campaigns.key_id, recipients.identity), 'person', fresh.kinds
from fresh
join recipients using (recipient_id)
join campaigns on campaigns.campaign_id = :campaign_id
where 4 in (fresh.opens, fresh.clicks)
on conflict (campaign_id, message) do update set why = 'person', kinds = kinds | excluded.kinds
