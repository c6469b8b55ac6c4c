-- What the settings keep of a client's address, unless the person has stopped tracking (as in put_event).
insert or ignore into addresses (campaign_id, message, at, kind, link, address)
select ?1, ?2, ?3, ?4, ?5, ?6
where not exists (
    select 1 from silenced where campaign_id = ?1 and message = ?2 and kinds & ?4
)
