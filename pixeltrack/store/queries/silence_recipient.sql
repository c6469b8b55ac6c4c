-- Everything already sent to one person stops being measured, because they said so: in opens, in clicks or
-- both. What a list had silenced before stays so, and is the person's own choice from now on. Of
-- pseudonymous copies (mode 4) the number that their hits come under is made again from the address.
insert into silenced (campaign_id, message, why, kinds)
select campaign_id, message, 'person', :kinds from messages where recipient_id = :recipient_id
union all
select messages.campaign_id, unlinked(campaigns.code, campaigns.key_id, recipients.identity), 'person', :kinds
from messages
join campaigns using (campaign_id)
join recipients using (recipient_id)
where recipient_id = :recipient_id and 4 in (messages.opens, messages.clicks)
on conflict (campaign_id, message) do update set why = 'person', kinds = kinds | excluded.kinds
