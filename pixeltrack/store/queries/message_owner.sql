-- Whose message a token names.
select campaigns.campaign_id, recipients.recipient_id, recipients.identity, messages.tracked
from campaigns
join messages using (campaign_id)
join recipients using (recipient_id)
where campaigns.code = :code and messages.message = :message
