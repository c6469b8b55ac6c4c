-- An order, refund or correction, once. What is said again changes nothing, and is counted; but what a
-- signature proves stands in the place of what was said without one.
insert into conversions (
    conversion_id, goal_id, order_id, entry, at, value, currency, whole, campaign_id, message, source,
    verified, told, class, signal
)
values (
    :conversion_id, :goal_id, :order_id, :entry, :at, :value, :currency, :whole, :campaign_id, :message,
    :source, :verified, :told, :class, :signal
)
on conflict (goal_id, order_id, entry) do update set
    repeats = repeats + 1,
    contradicted = contradicted + (value <> excluded.value or currency <> excluded.currency),
    value = iif(excluded.verified > verified, excluded.value, value),
    currency = iif(excluded.verified > verified, excluded.currency, currency),
    whole = iif(excluded.verified > verified, excluded.whole, whole),
    campaign_id = iif(campaign_id = 0, excluded.campaign_id, campaign_id),
    message = iif(campaign_id = 0, excluded.message, message),
    verified = max(verified, excluded.verified)
where conversion_id <> excluded.conversion_id
on conflict (conversion_id) do nothing
