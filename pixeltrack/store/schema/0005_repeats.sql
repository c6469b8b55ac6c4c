-- Hits of a URL beyond its share of an hour (security rule S19): counted, not kept one by one. The hour is
-- in the key so that figures by the hour stay right, and so that these counts can be deleted as old as
-- events are. What judging needs is in it too, but for the client's address: a URL has a handful of rows
-- in an hour, and few that stand for all others, with agent "(other)".
create table repeats (
    campaign_id integer not null,
    message     integer not null,
    hour        integer not null,      -- milliseconds UTC, when it began
    kind        integer not null,
    link        integer not null,
    agent_id    integer not null,
    flags       integer not null,      -- as in events
    network_id  integer not null,
    hits        integer not null check (hits > 0),
    first_at    integer not null,      -- milliseconds UTC
    last_at     integer not null,
    primary key (campaign_id, message, hour, kind, link, agent_id, flags, network_id)
) strict, without rowid;

-- The last commit of each process that folded hits. A commit can fail after all of it is in the journal,
-- and a count does not tell whether it was added to: this does. A mark is used no more once a commit of
-- its has failed, so the number that is here is that of the failed one or of the one before it.
create table commits (
    mark   integer primary key,        -- chance
    number integer not null,
    at     integer not null            -- milliseconds UTC, of a hit; old rows are of no use to anybody
) strict;
