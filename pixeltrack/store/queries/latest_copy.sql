-- The newest mail of somebody whose clicks are kept one by one.
select campaign_id, message
from recipients
join messages using (recipient_id)
where subject = :subject and messages.clicks = :individual
order by campaign_id desc
limit 1
