-- Everything already sent to one person stops being measured, because they said so.
insert into silenced (campaign_id, message, why)
select campaign_id, message, 'person' from messages where recipient_id = :recipient_id
on conflict (campaign_id, message) do update set why = 'person'
