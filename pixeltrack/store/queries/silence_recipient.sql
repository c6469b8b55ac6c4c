-- Everything already sent to one person stops being measured.
insert or ignore into silenced (campaign_id, message)
select campaign_id, message from messages where recipient_id = :recipient_id
