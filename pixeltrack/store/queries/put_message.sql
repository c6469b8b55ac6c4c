-- A message of which a tracked copy was once made stays tracked: that copy may have been sent, and its
-- hits count. It stays in the batch that it came with, too, unless that has failed half-way or the
-- version is another.
insert into messages (campaign_id, message, recipient_id, tracked, version, batch, opens, clicks)
select :campaign_id, :message, recipient_id, :tracked, :version, :batch, :opens, :clicks
from recipients where identity = :identity
on conflict (campaign_id, message) do update
set tracked = max(tracked, excluded.tracked),
    opens = max(opens, excluded.opens),
    clicks = max(clicks, excluded.clicks),
    batch = case
        when version = excluded.version and not exists (
            select 1 from batches
            where campaign_id = excluded.campaign_id and batch = messages.batch and done = 0
        ) then batch
        else excluded.batch
    end,
    version = excluded.version
