-- Which wording of the privacy notice was the one in force, in which language, since when: a version ends
-- where the next one of its language begins. Only ever added to; the texts are in wordings.
create table notices (
    language text not null,
    number   integer not null,         -- 1, 2, 3 … in each language
    wording  blob not null,            -- SHA-256 of the text
    since    integer not null,         -- milliseconds UTC
    primary key (language, number)
) strict, without rowid;

create trigger notices_stay before update on notices
begin select raise(abort, 'versions of the notice are only added'); end;
create trigger notices_are_kept before delete on notices
begin select raise(abort, 'versions of the notice are only added'); end;
