-- How far a spool file is taken up: in the same transaction as its hits, so each is stored once.
insert into facts (name, value) values (:name, :value)
on conflict (name) do update set value = excluded.value
