insert into commits (mark, number, at) values (:mark, :number, :at)
on conflict (mark) do update set number = excluded.number, at = excluded.at
