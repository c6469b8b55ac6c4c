-- One more row of an hour, or one that came when there were enough.
insert into site_hours (what, place, hour, kept, beyond) values (?, ?, ?, ?, ?)
on conflict (what, place, hour) do update set kept = kept + excluded.kept, beyond = beyond + excluded.beyond
