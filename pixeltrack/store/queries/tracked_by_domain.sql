-- How many tracked messages of a campaign went to each mail domain.
select substr(recipients.identity, instr(recipients.identity, '@') + 1) as domain, count(*) as messages
from messages
join recipients using (recipient_id)
where messages.campaign_id = :campaign_id and messages.tracked = 1
group by domain
