-- What the sender's list says of the recipients of some messages, and their mail domains.
select messages.message, messages.opens, messages.clicks,
    substr(recipients.identity, instr(recipients.identity, '@') + 1) as domain, recipients.fields
from json_each(:messages) as wanted
cross join messages on messages.campaign_id = :campaign_id and messages.message = wanted.value
join recipients using (recipient_id)
