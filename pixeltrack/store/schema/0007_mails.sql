-- The mail of a campaign as it was given, so that a report can draw each link's share on it. It is the
-- template that everybody's copy is made of: messages that are written for one person each are not kept.
create table mails (
    campaign_id integer not null references campaigns,
    version     integer not null,      -- of the mail (A/B); 0 where it has none
    digest      blob not null,         -- of the content: the same mail is kept once
    kind        text not null,         -- html, text
    charset     text not null,         -- what the content's bytes mean
    links       text not null,         -- "place:number …": which link of the table the n-th of the mail is
    preview     integer not null,      -- 1: of a copy to look at, dropped as soon as a real one is made
    added       integer not null,      -- milliseconds UTC
    content     blob not null,         -- zlib
    primary key (campaign_id, version, digest)
) strict;
