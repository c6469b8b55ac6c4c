-- How many of a campaign's messages went to each mail domain of which something is measured, and then opens,
-- and clicks; those too of people who were erased. Hits of pseudonymous copies (mode 4) name no message of
-- these, so they are left out.
select domain, sum(copies) as messages, sum(copies * (opens = 5)) as opens, sum(copies * (clicks = 5)) as clicks
from (
    select substr(recipients.identity, instr(recipients.identity, '@') + 1) as domain,
        messages.opens, messages.clicks, 1 as copies
    from messages
    join recipients using (recipient_id)
    where messages.campaign_id = :campaign_id
    union all
    select domain, opens, clicks, messages from kept_audience where campaign_id = :campaign_id
)
where opens = 5 or clicks = 5
group by domain
