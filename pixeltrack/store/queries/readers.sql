-- The next recipients in order, with how many copies of theirs tell when they were opened (hygiene 3,
-- individual 5, not silenced) and are from before a moment, and the date that hygiene keeps of them.
with page as (
    select recipient_id, identity, fields from recipients
    where recipient_id > :after
    order by recipient_id
    limit :most
)
select page.recipient_id, page.identity, page.fields,
    (
        select count(*) from messages
        join campaigns using (campaign_id)
        where messages.recipient_id = page.recipient_id and messages.opens in (3, 5)
            and coalesce(campaigns.sent, campaigns.created) < :before
            and not exists (
                select 1 from silenced
                where silenced.campaign_id = messages.campaign_id
                    and silenced.message = messages.message and silenced.kinds & 1
            )
    ) as copies,
    last_opens.day
from page
left join last_opens on last_opens.recipient_id = page.recipient_id
order by page.recipient_id
