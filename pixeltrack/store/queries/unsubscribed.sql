-- Messages of a campaign whose people have unsubscribed, whichever campaign's mail they did it through, or
-- as a report says.
select mine.message
from optouts
join messages as theirs on theirs.campaign_id = optouts.campaign_id and theirs.message = optouts.message
join messages as mine on mine.recipient_id = theirs.recipient_id
where optouts.scope = 'all' and mine.campaign_id = :campaign_id
union
select messages.message
from optouts
join recipients on recipients.subject = optouts.subject
join messages using (recipient_id)
where optouts.scope = 'all' and messages.campaign_id = :campaign_id
