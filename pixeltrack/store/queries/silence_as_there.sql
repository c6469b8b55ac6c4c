-- What another database of the same campaigns does not measure is not measured here, too: mail may have gone
-- out that this one knows nothing of.
insert into silenced (campaign_id, message, why, kinds)
select campaign_id, :message, :why, :kinds from campaigns where code = :code
on conflict (campaign_id, message) do update
set why = max(why, excluded.why), kinds = kinds | excluded.kinds
