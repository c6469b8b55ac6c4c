-- The audit trail in order; of one person where subject is not null.
select seq, at, actor, action, object, subject, counts, prev, hash
from trail
where :subject is null or subject = :subject
order by seq
