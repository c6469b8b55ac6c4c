-- What became of a campaign's messages, as far as that was reported, by what figures are made of; those too of
-- people who were erased. Of messages that nobody knows only what became of them.
select coalesce(messages.batch, 0) as batch, coalesce(messages.version, 0) as version,
    coalesce(messages.opens, 0) as opens, coalesce(messages.clicks, 0) as clicks,
    coalesce(substr(recipients.identity, instr(recipients.identity, '@') + 1), '') as domain,
    told.outcome, told.sent, told.complained, told.unsubscribed, count(*) as messages
from (select * from outcomes where campaign_id = :campaign_id) as told
left join messages on messages.campaign_id = :campaign_id and messages.message = told.message
left join recipients using (recipient_id)
group by 1, 2, 3, 4, 5, 6, 7, 8, 9
union all
select batch, version, opens, clicks, domain, outcome, sent, complained, unsubscribed, messages
from kept_deliveries
where campaign_id = :campaign_id
