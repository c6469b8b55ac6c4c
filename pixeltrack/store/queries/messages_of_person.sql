-- The copies that a person got, the oldest campaign first.
select campaigns.campaign_id, campaigns.name, campaigns.code, campaigns.key_id, campaigns.created,
    campaigns.sent, messages.message, messages.tracked, messages.opens, messages.clicks, messages.version
from recipients
join messages using (recipient_id)
join campaigns using (campaign_id)
where recipients.identity = :identity
order by campaigns.created, campaigns.campaign_id
