-- What is kept of clients' addresses from before a time, some of it.
select campaign_id, message, at, kind, link, address from addresses where at < :before limit :most
