insert into logs (head_length, head, reached, tail, lines)
values (:head_length, :head, :reached, :tail, :lines)
