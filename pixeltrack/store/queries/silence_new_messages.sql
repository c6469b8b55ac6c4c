-- Who stopped tracking while a mail was being made is silenced in that mail too: it was rendered from
-- opt-outs read before. For pseudonymous copies as in silence_subject.
with fresh as (
    select messages.recipient_id, messages.message, messages.opens, messages.clicks,
        max(silenced.kinds & 1) | max(silenced.kinds & 2) as kinds
    from silenced
    join messages as sent on sent.campaign_id = silenced.campaign_id and sent.message = silenced.message
    join messages on messages.recipient_id = sent.recipient_id and messages.campaign_id = :campaign_id
    where silenced.why = 'person' and silenced.campaign_id <> :campaign_id
    group by messages.message
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
