-- Everything already sent to one person stops being measured, because they said so: in opens, in clicks or
-- both. What a list had silenced before stays so, and is the person's own choice from now on.
insert into silenced (campaign_id, message, why, kinds)
select campaign_id, message, 'person', :kinds from messages where recipient_id = :recipient_id
on conflict (campaign_id, message) do update set why = 'person', kinds = kinds | excluded.kinds
