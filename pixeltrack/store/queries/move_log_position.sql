-- Only from where this reader began: another one may have been there meanwhile.
update logs
set head_length = :head_length, head = :head, reached = :reached, tail = :tail, lines = :lines
where log_id = :log_id and reached = :before
