-- Everything already sent to one person stops being measured, in opens, in clicks or both, because the
-- sender's list or the ledger says denied. Hits of pseudonymous copies (mode 4) come under another number,
-- which is stored nowhere: it is made again from the address.
insert into silenced (campaign_id, message, why, kinds)
select messages.campaign_id, messages.message, 'list', :kinds
from recipients
join messages using (recipient_id)
where recipients.identity = :identity
union all
select messages.campaign_id, unlinked(campaigns.code, campaigns.key_id, recipients.identity), 'list', :kinds
from recipients
join messages using (recipient_id)
join campaigns using (campaign_id)
where recipients.identity = :identity and 4 in (messages.opens, messages.clicks)
on conflict (campaign_id, message) do update set kinds = kinds | excluded.kinds
