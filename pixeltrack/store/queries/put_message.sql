-- A message of which a tracked copy was once made stays tracked: that copy may have been sent, and its
-- hits count.
insert into messages (campaign_id, message, recipient_id, tracked)
select ?, ?, recipient_id, ? from recipients where identity = ?
on conflict (campaign_id, message) do update set tracked = max(tracked, excluded.tracked)
