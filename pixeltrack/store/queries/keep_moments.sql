-- Note the moments of hits that are deleted; min and max of two are null where one is.
insert into kept (campaign_id, begun, first, last, gone_before)
values (:campaign_id, :begun, :first, :last, :gone_before)
on conflict (campaign_id) do update set
    begun = min(coalesce(begun, excluded.begun), coalesce(excluded.begun, begun)),
    first = min(coalesce(first, excluded.first), coalesce(excluded.first, first)),
    last = max(coalesce(last, excluded.last), coalesce(excluded.last, last)),
    gone_before = max(coalesce(gone_before, excluded.gone_before), coalesce(excluded.gone_before, gone_before))
