-- The mail domains of the recipients of some messages of a campaign, given as a JSON array.
select substr(recipients.identity, instr(recipients.identity, '@') + 1) as domain, messages.message
from json_each(:messages) as wanted
cross join messages on messages.campaign_id = :campaign_id and messages.message = wanted.value
join recipients using (recipient_id)
