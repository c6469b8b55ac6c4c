-- People who have asked on their own page to be erased and are not yet: by keyed hash of the address, so
-- that whatever ends in between, somebody goes on with it. A row goes when nothing is left to do.
create table erasures (
    subject blob primary key,
    at      integer not null           -- milliseconds UTC
) strict, without rowid;
