-- What judging needs of a hit beyond its agent. The network's label is computed before the address is
-- dropped. The address itself is never stored: its hash is keyed with a salt that is deleted after the
-- day, and of 32 bits, which is enough to see one client touch several people's mail within seconds.
create table networks (
    network_id integer primary key,
    network    text not null unique    -- label and date of the list: google/2026-11-01
) strict;
alter table events add column network_id integer not null default 0;  -- 0: in no list
alter table events add column address integer not null default 0;     -- 0: not known

-- When sending began, as the sender says: creating a campaign is not sending it.
alter table campaigns add column sent integer;  -- milliseconds UTC
