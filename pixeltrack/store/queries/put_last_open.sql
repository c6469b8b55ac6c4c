-- The day of an open in the place of the day before, unless the person has refused that opens are seen.
insert into last_opens (recipient_id, day)
select recipient_id, :day
from messages
where campaign_id = :campaign_id and message = :message and not exists (
    select 1 from silenced
    where silenced.campaign_id = :campaign_id and silenced.message = :message and kinds & 1
)
on conflict (recipient_id) do update set day = max(day, excluded.day)
