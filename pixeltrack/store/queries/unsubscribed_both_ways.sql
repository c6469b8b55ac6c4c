-- People who unsubscribed through a campaign's own link, and of whom a report says that they did.
select count(*)
from (
    select distinct message from deliveries
    where campaign_id = :campaign_id and message <> 0 and kind = 'unsubscribed'
) as told
join messages on messages.campaign_id = :campaign_id and messages.message = told.message
join recipients using (recipient_id)
join optouts on optouts.subject = recipients.subject and optouts.scope = 'all'
    and optouts.campaign_id = :campaign_id
