-- So many hits more in an hour, of nobody in particular.
insert into counters (campaign_id, crowd, hour, kind, link, class, hits) values (?, ?, ?, ?, ?, ?, ?)
on conflict (campaign_id, crowd, hour, kind, link, class) do update set hits = hits + excluded.hits
