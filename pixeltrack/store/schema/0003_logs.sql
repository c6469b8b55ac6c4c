-- How far each web server's log has been read. A log is known by a keyed hash of its first bytes, so one
-- that is renamed, copied or compressed is the same, and nobody can guess from it what is in the log.
create table logs (
    log_id      integer primary key,
    head_length integer not null,      -- first bytes that are hashed: 4,096, or all of what was read
    head        blob not null,
    reached     integer not null,      -- bytes read, to the end of a line
    tail        blob not null,         -- keyed hash of the last bytes read: the log must go on from there
    lines       integer not null,
    unique (head_length, head)
) strict;
