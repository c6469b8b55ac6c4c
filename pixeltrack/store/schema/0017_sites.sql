-- Sites of the sender's own, whose pages tell of visits and of orders. A site's key is made from the key file
-- and its generation, and stands nowhere here.
create table sites (
    site_id    integer primary key,
    host       text not null unique,    -- in ASCII and lower case; hosts below it belong to it
    generation integer not null default 1,
    created    integer not null         -- milliseconds UTC
) strict;
create table goals (
    goal_id integer primary key,
    name    text not null unique,       -- as in /v/<name>.gif
    site_id integer not null references sites,
    created integer not null            -- milliseconds UTC
) strict;
-- Paths of pages, without query and fragment.
create table pages (
    page_id integer primary key,
    site_id integer not null references sites,
    path    text not null,
    unique (site_id, path)
) strict;

-- Pages that a person saw who is measured one by one in clicks. The number is drawn when the page is asked
-- for, so that one which is taken up twice is stored once.
create table views (
    view_id     integer primary key,
    campaign_id integer not null,       -- of the mail that they came by
    message     integer not null,       -- as in events
    page_id     integer not null,
    at          integer not null,       -- milliseconds UTC
    agent_id    integer not null,       -- as in events
    class       integer not null        -- of the client, as in counters
) strict;
create index views_by_message on views (campaign_id, message);
create index views_by_time on views (at);

-- Pages that everybody else saw: how many in an hour.
create table page_counters (
    page_id     integer not null,
    campaign_id integer not null,       -- 0 where no mail led there, or whoever it was has refused
    crowd       integer not null,       -- as in counters
    hour        integer not null,       -- milliseconds UTC, when it began
    class       integer not null,
    signal      integer not null,       -- 1: the browser asked not to be followed, which was honoured
    views       integer not null check (views > 0),
    primary key (page_id, campaign_id, crowd, hour, class, signal)
) strict, without rowid;

-- What was reached: an order, a sign-up. Amounts are ten-thousandths of the currency's unit.
create table conversions (
    conversion_id integer primary key,  -- drawn as that of a view
    goal_id     integer not null references goals,
    order_id    text not null,          -- the site's; empty where the goal has none
    entry       text not null,          -- empty of the order itself, else of a refund or correction
    at          integer not null,       -- milliseconds UTC
    value       integer not null,       -- of a refund or correction what is added, so mostly below 0
    currency    text not null,          -- ISO 4217, empty where there is no value
    whole       integer not null,       -- 1: it takes back the whole order, whatever that was worth
    campaign_id integer not null,       -- of the mail that led there; 0 where that is not known
    message     integer not null,       -- 0 where that is not known, or counted with others
    source      integer not null,       -- 1 pixel, 2 script, 3 server
    verified    integer not null,       -- 1: signed with the site's key
    told        integer not null,       -- the page it was on: 0 not told, 1 the site's
    class       integer not null,       -- of the client; 0 of a server's call
    signal      integer not null,       -- as in page_counters
    repeats     integer not null default 0,    -- further calls of the same
    contradicted integer not null default 0,   -- of these, that said something else
    unique (goal_id, order_id, entry)
) strict;
create index conversions_by_message on conversions (campaign_id, message);
create index conversions_by_time on conversions (at);

-- The parameter that the redirect adds to destinations on sites; empty: none. And what a campaign cost.
alter table campaigns add column attribute text not null default '';
alter table campaigns add column cost integer;   -- ten-thousandths; null where it is not known
alter table campaigns add column cost_currency text not null default '';
