-- How many tracked messages of a campaign went to each mail domain; those too of people who were erased.
select domain, sum(messages) as messages
from (
    select substr(recipients.identity, instr(recipients.identity, '@') + 1) as domain, count(*) as messages
    from messages
    join recipients using (recipient_id)
    where messages.campaign_id = :campaign_id and messages.tracked = 1
    group by domain
    union all
    select domain, messages from kept_audience where campaign_id = :campaign_id and tracked = 1
)
group by domain
