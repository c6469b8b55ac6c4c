select log_id, head_length, reached, tail, lines from logs where head_length = :head_length and head = :head
