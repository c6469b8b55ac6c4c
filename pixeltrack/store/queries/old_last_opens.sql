-- Days of last opens before a day, some of them.
select recipient_id, day from last_opens where day < :before limit :most
