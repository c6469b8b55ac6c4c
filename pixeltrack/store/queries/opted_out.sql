-- Who refused something on the collector's pages, or wants no more mail, which a report may have told, too.
select recipients.recipient_id, optouts.scope = 'all'
from optouts
join recipients on recipients.subject = optouts.subject
union
select messages.recipient_id, optouts.scope = 'all'
from optouts
join messages using (campaign_id, message)
