-- Of each of a campaign's messages the version, the batch and whether it is tracked, and whether all of
-- that batch was stored.
select message, version, batch, tracked, coalesce(done, 1) as done
from messages
left join batches using (campaign_id, batch)
where campaign_id = :campaign_id
