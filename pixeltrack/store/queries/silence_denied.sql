-- Everything already sent to one person stops being measured, in opens, in clicks or both, because the
-- sender's list or the ledger says denied.
insert into silenced (campaign_id, message, why, kinds)
select messages.campaign_id, messages.message, 'list', :kinds
from recipients
join messages using (recipient_id)
where recipients.identity = :identity
on conflict (campaign_id, message) do update set kinds = kinds | excluded.kinds
