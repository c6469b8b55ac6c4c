-- People whom no mail of any campaign went to, some of them.
select recipient_id
from recipients
where recipient_id not in (select recipient_id from messages)
    and recipient_id not in (select recipient_id from last_opens)
limit :most
