-- Audiences that were saved: conditions, never people. Who is in one is worked out whenever it is asked for,
-- so that nothing here has to be erased with a person.
create table segments (
    name       text primary key,
    conditions text not null,          -- JSON object, as segments.Segment writes it
    created    integer not null        -- milliseconds UTC
) strict, without rowid;
