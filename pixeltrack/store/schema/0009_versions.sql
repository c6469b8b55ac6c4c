-- Versions of a campaign's mail (A/B). Numbers begin at 1; 0 stands for a mail that has no versions.
create table versions (
    campaign_id integer not null references campaigns,
    version     integer not null,
    name        text not null,         -- as the sender calls it
    primary key (campaign_id, version),
    unique (campaign_id, name)
) strict, without rowid;

-- Runs that gave people their messages. Versions are comparable only within a run, which drew at random
-- who gets which; the winner that is sent to everybody else later is a run of its own.
create table batches (
    campaign_id integer not null references campaigns,
    batch       integer not null,      -- from 1
    made        integer not null,      -- milliseconds UTC
    done        integer not null check (done in (0, 1)),  -- 0: its messages are not all stored
    primary key (campaign_id, batch)
) strict, without rowid;

alter table messages add column version integer not null default 0;
alter table messages add column batch integer not null default 0;  -- 0: not of a list, or not known
alter table links add column version integer not null default 0;   -- whose mail it stands in
