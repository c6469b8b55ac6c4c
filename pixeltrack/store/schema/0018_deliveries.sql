-- What mail systems reported of messages: never more than is counted, so no text of theirs, which has
-- addresses in it. An event is known by a keyed hash of what it is known by to the sender's service, so that
-- the same one counts once, from whichever file it comes.
create table deliveries (
    event_id    blob primary key,      -- 16 bytes
    campaign_id integer not null references campaigns,
    message     integer not null,      -- as in messages; 0 where nobody knows, as of who is counted together
    kind        text not null check (kind in
        ('sent', 'delivered', 'bounced', 'rejected', 'deferred', 'complained', 'unsubscribed')),
    bounce      text not null check (bounce in ('hard', 'soft', 'unknown', '')),  -- '' where it is none
    at          integer not null,      -- milliseconds UTC; when that is too old its place in the order alone
    source      text not null          -- whose report it is: sendgrid, ses, dsn …
) strict, without rowid;
-- All that figures need, so that they are counted in the index alone.
create index deliveries_by_message on deliveries (campaign_id, message, kind, bounce, at);

-- What became of messages of people who were erased, so that rates stay what they were. As kept_audience.
create table kept_deliveries (
    campaign_id  integer not null,
    batch        integer not null,
    version      integer not null,
    opens        integer not null,
    clicks       integer not null,
    domain       text not null,
    outcome      text not null,        -- as in the view below
    sent         integer not null check (sent in (0, 1)),
    complained   integer not null check (complained in (0, 1)),
    unsubscribed integer not null check (unsubscribed in (0, 1)),
    messages     integer not null,
    primary key (campaign_id, batch, version, opens, clicks, domain, outcome, sent, complained, unsubscribed)
) strict, without rowid;

-- What became of each message: the later of its delivery and its failure is what holds, at the same moment
-- the failure. Of facts without a message each stands alone. Asked for one campaign it looks at that alone.
create view outcomes as
select campaign_id, message, sent, complained, unsubscribed,
    case
        when failed is not null and (delivered is null or delivered <= failed / 4)
        then case failed % 4 when 3 then 'hard' when 2 then 'soft' when 1 then 'unknown' else 'rejected' end
        when delivered is not null then 'delivered'
        when deferred then 'deferred'
        else ''                        -- nothing that says whether it came
    end as outcome
from (
    select campaign_id, message,
        max(case kind when 'delivered' then at end) as delivered,
        max(case kind
            when 'rejected' then at * 4
            when 'bounced' then at * 4 + case bounce when 'hard' then 3 when 'soft' then 2 else 1 end
        end) as failed,
        max(kind = 'deferred') as deferred,
        max(kind in ('sent', 'delivered', 'bounced', 'deferred')) as sent,
        max(kind = 'complained') as complained,
        max(kind = 'unsubscribed') as unsubscribed
    from deliveries
    where message <> 0
    group by campaign_id, message
    union all
    select campaign_id, 0,
        case kind when 'delivered' then at end,
        case kind
            when 'rejected' then at * 4
            when 'bounced' then at * 4 + case bounce when 'hard' then 3 when 'soft' then 2 else 1 end
        end,
        kind = 'deferred', kind in ('sent', 'delivered', 'bounced', 'deferred'), kind = 'complained',
        kind = 'unsubscribed'
    from deliveries
    where message = 0
);

-- What became of all messages, added up, so that a report need not count: JSON, null where that is not known,
-- or the mark of who is just counting. Changes of messages drop the whole row.
alter table audiences add column outcomes text;
create trigger delivery_added after insert on deliveries
begin update audiences set outcomes = null where campaign_id = new.campaign_id and outcomes is not null; end;
create trigger delivery_changed after update on deliveries
begin update audiences set outcomes = null where campaign_id = new.campaign_id and outcomes is not null; end;
create trigger delivery_removed after delete on deliveries
begin update audiences set outcomes = null where campaign_id = old.campaign_id and outcomes is not null; end;
