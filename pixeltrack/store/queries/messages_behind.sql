-- A campaign's next messages, in order.
select message from messages
where campaign_id = :campaign_id and message > :after
order by message
limit :most
