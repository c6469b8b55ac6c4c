-- Unless mail went to them since. ?1 stands twice.
delete from recipients
where recipient_id = ?1 and not exists (select 1 from messages where recipient_id = ?1)
