-- A message of a recipient who is new and whose number is known. It can be there nevertheless: of a
-- person who was erased and is now on a list again.
insert into messages (campaign_id, message, recipient_id, tracked, version, batch, opens, clicks)
values (?, ?, ?, ?, ?, ?, ?, ?)
on conflict (campaign_id, message) do update
set recipient_id = excluded.recipient_id, tracked = max(tracked, excluded.tracked),
    version = excluded.version, batch = excluded.batch,
    opens = max(opens, excluded.opens), clicks = max(clicks, excluded.clicks)
