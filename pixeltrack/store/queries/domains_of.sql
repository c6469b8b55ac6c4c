-- The mail domains of the recipients of some messages of a campaign, given as a JSON array, and whether opens
-- (1) and clicks (2) of each are measured.
select substr(recipients.identity, instr(recipients.identity, '@') + 1) as domain, messages.message,
    (messages.opens >= 4) + 2 * (messages.clicks >= 4) as axes
from json_each(:messages) as wanted
cross join messages on messages.campaign_id = :campaign_id and messages.message = wanted.value
join recipients using (recipient_id)
