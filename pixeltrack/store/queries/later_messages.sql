-- Messages whose people are counted in what is kept, or may be: given as a JSON array of pairs, the
-- message and the number of its first hit that is there.
with wanted as (
    select json_extract(value, '$[0]') as message, json_extract(value, '$[1]') as first
    from json_each(:firsts)
)
select wanted.message
from wanted
where exists (
    select 1 from kept_messages
    where kept_messages.campaign_id = :campaign_id and kept_messages.message = wanted.message
) or exists (
    select 1
    from messages
    join closed_batches using (campaign_id, batch)
    where messages.campaign_id = :campaign_id and messages.message = wanted.message
        and closed_batches.event < wanted.first
)
