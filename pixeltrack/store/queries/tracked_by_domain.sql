-- How many of a campaign's messages went to each mail domain of which something is measured, and then opens,
-- and clicks. Hits of pseudonymous copies (mode 4) name no message of these, so they are left out.
select substr(recipients.identity, instr(recipients.identity, '@') + 1) as domain,
    count(*) as messages, sum(messages.opens = 5) as opens, sum(messages.clicks = 5) as clicks
from messages
join recipients using (recipient_id)
where messages.campaign_id = :campaign_id and (messages.opens = 5 or messages.clicks = 5)
group by domain
