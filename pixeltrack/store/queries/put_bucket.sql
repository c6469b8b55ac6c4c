-- Adds hits to a bucket. They come in order, so one that was added before a crash is not added again.
insert into message_events (bucket, events) values (?1, ?2)
on conflict (bucket) do update set events = cast(events || excluded.events as blob)
where substr(events, -4) < substr(excluded.events, 1, 4)
