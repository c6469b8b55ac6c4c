-- Who has converted: copies that led to a conversion, with the person where clicks may be told of that. Of one
-- campaign only people who got its mail, too, and copies that stand by themselves.
select distinct conversions.campaign_id, conversions.message, own.recipient_id
from conversions
left join messages as own on own.campaign_id = conversions.campaign_id
    and own.message = conversions.message and own.clicks = 5
where (conversions.entry = '' or conversions.order_id = '') and conversions.message <> 0
    and (
        :campaign_id is null
        or conversions.campaign_id = :campaign_id
        or exists (
            select 1 from messages as other
            where other.recipient_id = own.recipient_id and other.campaign_id = :campaign_id
        )
    )
