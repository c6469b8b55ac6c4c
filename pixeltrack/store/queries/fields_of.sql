-- What a personal destination is filled in with.
select fields from recipients join messages using (recipient_id)
where campaign_id = :campaign_id and message = :message
