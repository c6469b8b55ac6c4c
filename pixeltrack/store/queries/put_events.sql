-- The same as put_event for many hits in a row; their values stand in it as often as there are hits.
insert into events (at, campaign_id, kind, link, message, agent_id, flags, network_id, address)
select * from (values (?, ?, ?, ?, ?, ?, ?, ?, ?))
where not exists (
    select 1 from silenced where campaign_id = column2 and message = column5 and kinds & column3
)
