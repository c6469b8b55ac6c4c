-- Recipients who want no more mail, or no tracking, or not that their opens are seen.
select messages.recipient_id
from optouts
join messages on messages.campaign_id = optouts.campaign_id and messages.message = optouts.message
where optouts.scope in ('all', 'tracking', 'opens')
union
select recipients.recipient_id
from optouts
join recipients on recipients.subject = optouts.subject
where optouts.scope in ('all', 'tracking', 'opens')
