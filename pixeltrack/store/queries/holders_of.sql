-- Whose some messages are. Who is not measured (any more) is not named; what is known of the mail stays.
select messages.message, recipients.identity, messages.tracked,
    exists (
        select 1 from silenced
        where silenced.campaign_id = messages.campaign_id and silenced.message = messages.message
    ) as silenced,
    messages.opens, messages.clicks
from json_each(:messages) as wanted
cross join messages on messages.campaign_id = :campaign_id and messages.message = wanted.value
join recipients using (recipient_id)
