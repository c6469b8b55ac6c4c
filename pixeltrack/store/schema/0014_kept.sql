-- What is left of hits that were deleted because they were old, or because a person was erased: a
-- campaign's totals, and nothing that names a message. Figures are counted from here on.
--
-- SQLite gives a new row the number behind the highest one that is there, and everything here goes by
-- hits' numbers. So where the newest hit is deleted, a row without a campaign, a person or a time stands
-- in its place, until there is a newer one; facts has its number as "stand-in".

-- As in rollup_cells; a number may be below 0 while a message of which a part is deleted has other hits.
create table kept_cells (
    campaign_id integer not null,
    cell        text not null,
    number      integer not null,
    primary key (campaign_id, cell)
) strict, without rowid;

-- Campaigns of which hits were deleted. Moments are milliseconds UTC, as in rollups.
create table kept (
    campaign_id integer primary key,
    begun       integer,
    first       integer,
    last        integer,
    gone_before integer                -- hits before it are deleted; null where only single people are
) strict;

-- Messages of which the older hits are deleted and younger ones are there: their people are counted
-- already. A row goes with the last of the hits, so it says nothing for longer than they do.
create table kept_messages (
    campaign_id integer not null,
    message     integer not null,
    primary key (campaign_id, message)
) strict, without rowid;

-- Runs of which hits were deleted, and up to which hit things were judged then. A message of theirs that
-- is heard of only later may have been counted before: its hits are counted, its person is not.
create table closed_batches (
    campaign_id integer not null,
    batch       integer not null,      -- as in messages
    event       integer not null,
    primary key (campaign_id, batch)
) strict, without rowid;

-- Messages of people who were erased, so that rates stay what they were.
create table kept_audience (
    campaign_id integer not null,
    batch       integer not null,      -- these as in messages
    version     integer not null,
    tracked     integer not null,
    opens       integer not null,
    clicks      integer not null,
    domain      text not null,         -- of the address, empty unless it is many people's
    messages    integer not null,
    primary key (campaign_id, batch, version, tracked, opens, clicks, domain)
) strict, without rowid;

-- The proof of a consent may go when that has ended long ago: never the last thing that a person decided.
drop trigger consents_are_kept;
create trigger consents_are_kept before delete on consents
when not exists (
    select 1 from consents
    where subject = old.subject and purpose = old.purpose and at > old.at
)
begin select raise(abort, 'the consent ledger is only added to'); end;

-- What the settings keep of clients' addresses (privacy.ip), for some days, apart from everything else.
create table addresses (
    campaign_id integer not null,
    message     integer not null,
    at          integer not null,      -- these as in events
    kind        integer not null,
    link        integer not null,
    address     text not null,         -- whole, or its first 24 bits, of IPv6 48
    primary key (campaign_id, message, at, kind, link, address)
) strict, without rowid;
