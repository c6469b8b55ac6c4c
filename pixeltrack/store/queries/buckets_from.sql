-- A campaign's buckets in order, some at a time.
select bucket, events from message_events
where bucket >= :first and bucket < :behind
order by bucket
limit :most
