insert into messages (campaign_id, message, recipient_id, tracked)
select :campaign_id, :message, recipient_id, :tracked from recipients where identity = :identity
on conflict (campaign_id, message) do update set tracked = excluded.tracked
