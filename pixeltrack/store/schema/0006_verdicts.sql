-- What judging made of the hits. Everything here can be dropped: the next report makes it again.

-- What verdicts there are. Hits name them by number, as there are few.
create table judgements (
    judgement_id integer primary key,  -- below 65,536; 0 stands for "not judged"
    label        text not null,
    score        integer not null,
    reasons      text not null,        -- short codes with blanks between, the deciding one first
    unique (label, score, reasons)
) strict;

-- The verdicts on a thousand hits in a row, two bytes each: hit n is in chunk n / 1000, at n % 1000,
-- lower byte first. Of each chunk the first and the last moment, so that hits near in time are found
-- without an index on time.
create table verdicts (
    chunk    integer primary key,
    first_at integer not null,         -- milliseconds UTC
    last_at  integer not null,
    judged   blob not null
) strict;

-- Where a message's hits are: an index that is made in batches, so that storing a hit is not slowed down
-- by it. A bucket is campaign << 20 | the last 20 bits of the message, and may hold the hits of several
-- messages. Four bytes a hit, higher byte first, in order.
create table message_events (
    bucket integer primary key,
    events blob not null
) strict;

-- How far judging has come. Whoever judges notes first up to which hit (upto), so that two at work at
-- the same time write the same; epoch changes with whatever makes earlier work worthless.
create table judging (
    one     integer primary key check (one = 1),
    rules   text not null,             -- version of the rules that the verdicts are made with
    epoch   integer not null,
    indexed integer not null,          -- hits up to here are in message_events
    through integer not null,          -- hits up to here are judged
    upto    integer not null           -- somebody is judging up to here
) strict;

-- Campaigns of which something else than hits has changed: their time of sending, or their links.
create table stale_campaigns (
    campaign_id integer primary key,
    bucket      integer not null       -- buckets below this one have been judged again
) strict;

-- A campaign's hits are found by its buckets now: one thing less to write for every hit.
drop index events_by_campaign;
