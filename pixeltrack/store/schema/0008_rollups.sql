-- A campaign's figures, kept up as hits are judged, so that a report need not count. Everything here can be
-- dropped: the next report makes it again.

-- Campaigns of which the cells below are right. The moments are milliseconds UTC, null where there is none.
create table rollups (
    campaign_id integer primary key,
    version     text not null,         -- of whatever names what is counted; of another one they are made again
    begun       integer,               -- the first hit, a machine's too
    first       integer,               -- people's first and last hits
    last        integer
) strict;

-- What is counted, as a JSON array, and how many there are.
create table rollup_cells (
    campaign_id integer not null,
    cell        text not null,
    number      integer not null,
    primary key (campaign_id, cell)
) strict, without rowid;

-- How many messages a campaign has, and how many tracked ones at each mailbox provider. Whatever changes
-- its messages drops the row.
create table audiences (
    campaign_id integer primary key,
    version     text not null,         -- as above
    messages    integer not null,
    tracked     integer not null,
    providers   text not null,         -- JSON object: tracked messages by provider
    companies   text not null          -- JSON object: tracked messages by domain, the largest first
) strict;
create trigger message_added after insert on messages
begin delete from audiences where campaign_id = new.campaign_id; end;
create trigger message_changed after update on messages
begin delete from audiences where campaign_id = new.campaign_id; end;
create trigger message_removed after delete on messages
begin delete from audiences where campaign_id = old.campaign_id; end;

-- How often verdicts were written: who has read what was there writes only if it is unchanged.
alter table judging add column writes integer not null default 0;
