-- Who stopped tracking while a mail was being made is silenced in that mail too: it was rendered from
-- opt-outs read before.
insert or ignore into silenced (campaign_id, message, why)
select fresh.campaign_id, fresh.message, 'person'
from silenced
join messages as sent on sent.campaign_id = silenced.campaign_id and sent.message = silenced.message
join messages as fresh on fresh.recipient_id = sent.recipient_id and fresh.campaign_id = :campaign_id
where silenced.why = 'person' and silenced.campaign_id <> :campaign_id
