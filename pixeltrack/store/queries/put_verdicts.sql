insert into verdicts (chunk, first_at, last_at, judged) values (?1, ?2, ?3, ?4)
on conflict (chunk) do update set
    first_at = min(first_at, excluded.first_at),
    last_at = max(last_at, excluded.last_at),
    judged = excluded.judged
