-- One more view of a page in an hour.
insert into page_counters (page_id, campaign_id, crowd, hour, class, signal, views)
values (?, ?, ?, ?, ?, ?, 1)
on conflict (page_id, campaign_id, crowd, hour, class, signal) do update set views = views + 1
