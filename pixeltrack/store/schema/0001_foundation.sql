-- What the database knows of itself: the check value of the key that made it.
create table facts (
    name  text primary key,
    value text not null
) strict, without rowid;

create table campaigns (
    campaign_id integer primary key,
    name        text not null unique,
    code        text not null unique,  -- how URLs name it
    key_id      integer not null,      -- the key that signed it: the same list gives the same tokens
    kind        text not null check (kind in ('recipients', 'merge', 'preview')),
    created     integer not null       -- milliseconds UTC
) strict;

-- The link table. Rows are never changed or deleted: mail in inboxes points at them.
create table links (
    campaign_id integer not null references campaigns,
    number      integer not null,      -- as in the URL
    position    integer not null,      -- in document order when it was injected
    line        integer not null,
    text        text not null,
    url         text not null,         -- as the sender wrote it
    primary key (campaign_id, number)
) strict, without rowid;

create table recipients (
    recipient_id integer primary key,
    identity     text not null unique, -- the normalised address
    fields       text not null         -- JSON object: the list's other columns, as last given
) strict;

-- One recipient's copy. "message" is the keyed pseudonym that tokens and events carry.
create table messages (
    campaign_id  integer not null references campaigns,
    message      integer not null,
    recipient_id integer not null references recipients,
    tracked      integer not null check (tracked in (0, 1)),
    primary key (campaign_id, message)
) strict, without rowid;
create index messages_by_recipient on messages (recipient_id);

-- Reduced user agents, each stored once; what reducing drops is never stored.
create table agents (
    agent_id integer primary key,
    agent    text not null unique
) strict;

-- One row a hit, only ever added. The reference to agents is not declared, to spare every insert
-- its check; the index is on the campaign alone so that it grows at its end.
create table events (
    event_id    integer primary key,
    at          integer not null,      -- milliseconds UTC
    campaign_id integer not null,
    kind        integer not null,      -- 1 open, 2 click
    link        integer not null,      -- 0 for an open
    message     integer not null,
    agent_id    integer not null,
    flags       integer not null       -- bits: 1 HEAD, 2 speculative load, 4 preview
) strict;
create index events_by_campaign on events (campaign_id);

-- Refusals by keyed hash of the address, so that they outlive the address itself.
create table optouts (
    subject     blob not null,
    scope       text not null check (scope in ('all', 'tracking')),
    at          integer not null,
    campaign_id integer not null,      -- the mail that it came through
    message     integer not null,
    primary key (subject, scope)
) strict, without rowid;

-- Messages already sent to people who may not be measured any more: their hits are answered, never
-- stored. Who stopped it themselves stays silenced whatever a later list says.
create table silenced (
    campaign_id integer not null,
    message     integer not null,
    why         text not null check (why in ('person', 'list')),
    primary key (campaign_id, message)
) strict, without rowid;
