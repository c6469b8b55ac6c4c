-- Everything already sent to one person stops being measured, because they said so: in opens, in clicks or
-- both. What a list had silenced before stays so, and is the person's own choice from now on. Who it is, the
-- keyed hash of the address says, or else the message through which they said it. Of pseudonymous copies
-- (mode 4) the number that their hits come under is made again from the address.
with sent as (
    select messages.campaign_id, messages.message, messages.opens, messages.clicks, recipients.identity
    from recipients
    join messages using (recipient_id)
    where recipients.recipient_id in (
        select recipient_id from recipients where subject = :subject
        union
        select recipient_id from messages where campaign_id = :campaign_id and message = :message
    )
)
insert into silenced (campaign_id, message, why, kinds)
select campaign_id, message, 'person', :kinds from sent
union all
select campaign_id, unlinked(campaigns.code, campaigns.key_id, sent.identity), 'person', :kinds
from sent
join campaigns using (campaign_id)
where 4 in (sent.opens, sent.clicks)
on conflict (campaign_id, message) do update set why = 'person', kinds = kinds | excluded.kinds
