-- The consent ledger: what people agreed to and refused, by keyed hash of the address, so that it
-- outlives the address. Only ever added to: what holds now follows from all rows of a person.
create table consents (
    entry    integer primary key,
    subject  blob not null,
    purpose  text not null check (purpose in ('opens', 'clicks', 'retargeting')),
    decision text not null check (decision in ('granted', 'denied', 'withdrawn')),
    at       integer not null,         -- milliseconds UTC: when the person decided
    recorded integer not null,         -- milliseconds UTC: when it was put down here
    method   text not null,            -- how they said it: form, double opt-in, phone
    source   text not null,            -- where: a page, a shop
    wording  blob,                     -- SHA-256 of the text that they were shown
    origin   text not null             -- what the row came from: a file and its line, a command
) strict;
-- Everything that decides what holds, so that a list of a million is gone through in the index alone.
create index consents_by_subject on consents (subject, purpose, at, decision);

create trigger consents_stay before update on consents
begin select raise(abort, 'the consent ledger is only added to'); end;
create trigger consents_are_kept before delete on consents
begin select raise(abort, 'the consent ledger is only added to'); end;

-- Texts that people were shown, each once.
create table wordings (
    wording blob primary key,          -- SHA-256 of its bytes
    content blob not null,
    added   integer not null           -- milliseconds UTC
) strict;
