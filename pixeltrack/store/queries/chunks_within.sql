-- Verdicts of the hits among which are those of a stretch of time.
select chunk, first_at, last_at, judged
from verdicts
where first_at < :until and last_at >= :since
