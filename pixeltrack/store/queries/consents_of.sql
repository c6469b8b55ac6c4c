-- All that the ledger has about one person.
select subject, purpose, decision, at, recorded, method, source, wording, origin
from consents
where subject = :subject
order by entry
