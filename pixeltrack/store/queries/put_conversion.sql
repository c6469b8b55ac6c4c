-- An order, refund or correction, once. What is said again changes nothing, and is counted; but what a
-- signature proves stands in the place of what was said without one. Whose it is, is whose a signature says
-- it is, else whoever was named first.
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
    at = iif(excluded.verified > verified, min(at, excluded.at), at),
    value = iif(excluded.verified > verified, excluded.value, value),
    currency = iif(excluded.verified > verified, excluded.currency, currency),
    whole = iif(excluded.verified > verified, excluded.whole, whole),
    source = iif(excluded.verified > verified, excluded.source, source),
    told = max(told, excluded.told),
    campaign_id = iif(
        excluded.campaign_id <> 0 and (campaign_id = 0 or excluded.verified > verified),
        excluded.campaign_id, campaign_id
    ),
    message = iif(
        excluded.campaign_id <> 0 and (campaign_id = 0 or excluded.verified > verified),
        excluded.message, message
    ),
    signal = max(signal, excluded.signal),
    verified = max(verified, excluded.verified)
where conversion_id <> excluded.conversion_id
on conflict (conversion_id) do nothing
