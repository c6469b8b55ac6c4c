-- Count on what became of a message of which the person is erased. Of the address' domain no more is kept than
-- is shown.
insert into kept_deliveries
    (campaign_id, batch, version, opens, clicks, domain, outcome, sent, complained, unsubscribed, messages)
select messages.campaign_id, batch, version, opens, clicks, :domain, outcome, sent, complained, unsubscribed, 1
from outcomes
join messages using (campaign_id, message)
where outcomes.campaign_id = :campaign_id and outcomes.message = :message
on conflict (campaign_id, batch, version, opens, clicks, domain, outcome, sent, complained, unsubscribed)
do update set messages = messages + excluded.messages
