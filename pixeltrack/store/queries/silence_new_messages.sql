-- Who stopped tracking while a mail was being made is silenced in that mail too: it was rendered from
-- opt-outs read before.
insert into silenced (campaign_id, message, why, kinds)
select fresh.campaign_id, fresh.message, 'person', max(silenced.kinds & 1) | max(silenced.kinds & 2)
from silenced
join messages as sent on sent.campaign_id = silenced.campaign_id and sent.message = silenced.message
join messages as fresh on fresh.recipient_id = sent.recipient_id and fresh.campaign_id = :campaign_id
where silenced.why = 'person' and silenced.campaign_id <> :campaign_id
group by fresh.campaign_id, fresh.message
on conflict (campaign_id, message) do update set why = 'person', kinds = kinds | excluded.kinds
