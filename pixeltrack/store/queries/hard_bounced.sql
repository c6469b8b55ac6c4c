-- Addresses that are bad for good, as far as reports say: the last that was told of any of their messages
-- is a hard bounce, and no delivery came later.
select identity
from (
    select messages.recipient_id,
        max(case when kind = 'bounced' and bounce = 'hard' then at end) as bounced,
        max(case when kind = 'delivered' then at end) as delivered
    from deliveries
    join messages using (campaign_id, message)
    group by messages.recipient_id
) as told
join recipients using (recipient_id)
where bounced is not null and (delivered is null or delivered <= bounced)
