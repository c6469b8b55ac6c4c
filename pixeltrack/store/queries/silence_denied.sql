-- Everything already sent to one person stops being measured, because the sender's list says denied.
insert or ignore into silenced (campaign_id, message, why)
select messages.campaign_id, messages.message, 'list'
from recipients
join messages using (recipient_id)
where recipients.identity = :identity
