-- Webhooks: whom to tell of what happens, and how far that is. Nothing here says what happened or to whom: a
-- body is made when it is sent, of what is in the database then.
create table hooks (
    hook_id       integer primary key autoincrement,  -- none is given twice: receivers know it
    url           text not null,
    kinds         text not null,        -- separated by spaces: open click conversion opt-out delivery
    campaign_id   integer not null,     -- 0: of all campaigns
    people_only   integer not null check (people_only in (0, 1)),
    with_address  integer not null check (with_address in (0, 1)),
    allow_private integer not null check (allow_private in (0, 1)),
    nonce         blob not null,        -- 8 bytes; its signing key is made from that and the key file
    generation    integer not null default 1,   -- of the signing key
    created       integer not null,     -- milliseconds UTC
    paused        integer,              -- since when nothing is sent; null where it is
    reason        text not null default '',
    hit           integer not null,     -- the number of the last hit that is done with
    told          integer not null,     -- and of the last row of hook_feed
    sent          integer not null default 0,   -- events that were taken
    sent_at       integer,              -- when the last of them was
    given_up      integer not null default 0,   -- events that were tried for days in vain
    given_up_at   integer
) strict;

-- What failed and is tried again: what stands between a hook's place and the place here, as often as it takes.
create table hook_tries (
    hook_id integer primary key references hooks,
    hit     integer not null,
    told    integer not null,
    events  integer not null,
    tries   integer not null,
    since   integer not null,           -- the first try
    again   integer not null,           -- not before
    status  integer not null,           -- of the last answer; 0 where there was none
    error   text not null
) strict;

-- The order in which conversions, opt-outs and deliveries were stored: their own keys do not tell. "hit" is the
-- last hit that was there before. Kept until every hook is done with it; only of what some hook is told of.
create table hook_feed (
    number integer primary key autoincrement,
    stream integer not null,            -- 1 conversion, 2 opt-out, 3 delivery
    hit    integer not null
) strict;
alter table conversions add column feed integer;
alter table optouts add column feed integer;
alter table deliveries add column feed integer;
create index conversions_by_feed on conversions (feed) where feed is not null;
create index deliveries_by_feed on deliveries (feed) where feed is not null;
-- None on optouts: an index would hold the keyed hash of a person a second time, and there are few.

create trigger conversion_fed after insert on conversions
when exists (select 1 from hooks where kinds like '%conversion%')
begin
    insert into hook_feed (stream, hit) select 1, coalesce(max(event_id), 0) from events;
    update conversions set feed = (select max(number) from hook_feed)
    where conversion_id = new.conversion_id;
end;
-- What a signature proves stands in the place of what was said without one, so it is told again.
create trigger conversion_proved after update of verified on conversions
when new.verified > old.verified and exists (select 1 from hooks where kinds like '%conversion%')
begin
    insert into hook_feed (stream, hit) select 1, coalesce(max(event_id), 0) from events;
    update conversions set feed = (select max(number) from hook_feed)
    where conversion_id = new.conversion_id;
end;
create trigger optout_fed after insert on optouts
when exists (select 1 from hooks where kinds like '%opt-out%')
begin
    insert into hook_feed (stream, hit) select 2, coalesce(max(event_id), 0) from events;
    update optouts set feed = (select max(number) from hook_feed)
    where subject = new.subject and scope = new.scope;
end;
create trigger delivery_fed after insert on deliveries
when exists (select 1 from hooks where kinds like '%delivery%')
begin
    insert into hook_feed (stream, hit) select 3, coalesce(max(event_id), 0) from events;
    update deliveries set feed = (select max(number) from hook_feed) where event_id = new.event_id;
end;
