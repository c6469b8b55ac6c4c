-- What one person was sent is not measured: kinds are bits, 1 opens, 2 clicks, and only ever more.
insert into silenced (campaign_id, message, why, kinds)
select messages.campaign_id, messages.message, 'person', :kinds
from recipients
join messages using (recipient_id)
where recipients.identity = :identity
on conflict (campaign_id, message) do update set why = 'person', kinds = kinds | excluded.kinds
