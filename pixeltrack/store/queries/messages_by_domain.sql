-- A campaign's tracked messages by the mail domain of their recipients, as a JSON array: far fewer rows.
select substr(recipients.identity, instr(recipients.identity, '@') + 1) as domain,
    json_group_array(messages.message) as messages
from messages
join recipients using (recipient_id)
where messages.campaign_id = :campaign_id and messages.tracked = 1
group by domain
