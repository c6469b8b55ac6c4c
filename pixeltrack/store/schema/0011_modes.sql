-- How much is measured of each copy, opens and clicks apart: 0 off, 1 aggregate, 2 company, 3 hygiene,
-- 4 pseudonymous, 5 individual. A campaign's are what it may have at most, for good.
alter table campaigns add column opens integer not null default 5;
alter table campaigns add column clicks integer not null default 5;
alter table messages add column opens integer not null default 0;
alter table messages add column clicks integer not null default 0;
update messages set opens = 5, clicks = 5 where tracked = 1;

-- A person by keyed hash of the address, as the ledger and the refusals have them, so that a link which
-- names nothing else finds what was sent to them. Null until a program that has the key comes by.
alter table recipients add column subject blob;
create index recipients_by_subject on recipients (subject);

-- Where a link goes without the tags that we add; empty where that is the same.
alter table links add column plain text not null default '';

-- Recipients of copies that are counted together, of which no row is kept for a person. A crowd is the
-- keyed pseudonym of a company's group, 0 for everybody else. Of each list by its digest, so that the same
-- list again is not counted twice.
create table crowds (
    campaign_id integer not null references campaigns,
    list        blob not null,
    crowd       integer not null,
    opens       integer not null,      -- as in messages
    clicks      integer not null,
    company     text not null,
    industry    text not null,
    size        text not null,
    region      text not null,
    recipients  integer not null check (recipients > 0),
    primary key (campaign_id, list, crowd, opens, clicks, company)
) strict, without rowid;

-- Their hits: how many in an hour, and nothing else.
create table counters (
    campaign_id integer not null,
    crowd       integer not null,
    hour        integer not null,      -- milliseconds UTC, when it began
    kind        integer not null,      -- as in events
    link        integer not null,
    class       integer not null,      -- of the client: 0 not told, 1 phone, 2 tablet, 3 computer, 4 machine
    hits        integer not null check (hits > 0),
    primary key (campaign_id, crowd, hour, kind, link, class)
) strict, without rowid;

-- Of people in hygiene mode: the day of the last open, and nothing of those before.
create table last_opens (
    recipient_id integer primary key references recipients,
    day          integer not null      -- since 1970-01-01, UTC
) strict;

-- Opens and clicks are refused apart.
create table optouts_by_purpose (
    subject     blob not null,
    scope       text not null check (scope in ('all', 'tracking', 'opens', 'clicks')),
    at          integer not null,      -- milliseconds UTC
    campaign_id integer not null,      -- the mail that it came through
    message     integer not null,
    primary key (subject, scope)
) strict, without rowid;
insert into optouts_by_purpose select subject, scope, at, campaign_id, message from optouts;
drop table optouts;
alter table optouts_by_purpose rename to optouts;
alter table silenced add column kinds integer not null default 3;  -- bits: 1 opens, 2 clicks
