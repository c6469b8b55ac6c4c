-- Unless they have opened since.
delete from last_opens where recipient_id = ? and day = ?
