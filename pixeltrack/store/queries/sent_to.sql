-- The copies that somebody got, by the keyed hash of their address, and what of them is silenced.
select messages.campaign_id, messages.message, messages.opens, messages.clicks,
    coalesce(silenced.kinds, 0), coalesce(silenced.why = 'list', 0)
from recipients
join messages using (recipient_id)
left join silenced using (campaign_id, message)
where recipients.subject = :subject
