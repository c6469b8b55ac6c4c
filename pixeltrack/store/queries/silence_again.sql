-- What one person was sent is not measured: kinds are bits, 1 opens, 2 clicks, and only ever more. Of
-- pseudonymous copies (mode 4) the number that their hits come under is made again from the address.
with sent as (
    select messages.campaign_id, messages.message, messages.opens, messages.clicks
    from recipients
    join messages using (recipient_id)
    where recipients.identity = :identity
)
insert into silenced (campaign_id, message, why, kinds)
select campaign_id, message, 'person', :kinds from sent
union all
select campaign_id, unlinked(campaigns.code, campaigns.key_id, :identity), 'person', :kinds
from sent
join campaigns using (campaign_id)
where 4 in (sent.opens, sent.clicks)
on conflict (campaign_id, message) do update set why = 'person', kinds = kinds | excluded.kinds
