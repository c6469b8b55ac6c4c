-- The audit trail: who did what to people's data, each row with the hash of the one before it. Only ever
-- added to. A person is named by keyed hash alone, so that rows outlive the address.
create table trail (
    seq     integer primary key,       -- 1, 2, 3 …
    at      integer not null,          -- milliseconds UTC
    actor   text not null,             -- the system's user, "collector" or "recipient"
    action  text not null,             -- "inject", "forget"
    object  text not null,             -- what it was done to: a campaign; never an address
    subject blob,                      -- keyed hash of the address, where it is about one person
    counts  text not null,             -- JSON object
    prev    blob not null,             -- hash of the row before; zeros in the first
    hash    blob not null              -- SHA-256 of all of the above (trail.py)
) strict;
create index trail_by_subject on trail (subject) where subject is not null;

create trigger trail_stays before update on trail
begin select raise(abort, 'the audit trail is only added to'); end;
create trigger trail_is_kept before delete on trail
begin select raise(abort, 'the audit trail is only added to'); end;
