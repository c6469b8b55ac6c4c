-- How much of what people do with a campaign's mail, or with any, may be told of them by name: opens, then
-- clicks, as codes of segments.WHY. Refused since (5) is what was kept one by one and is silenced.
select recipient_id,
    case opens when 5 then 6 - (coalesce(kinds, 0) & 1) when 4 then 4 when 3 then 3 when 0 then 1 else 2 end,
    case clicks when 5 then 6 - (coalesce(kinds, 0) >> 1 & 1) when 4 then 4 when 3 then 3 when 0 then 1 else 2 end
from messages
left join silenced using (campaign_id, message)
where :campaign_id is null or messages.campaign_id = :campaign_id
