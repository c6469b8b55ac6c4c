-- Entries of the ledger that a later one has ended before some time. The last of a purpose is no such one.
select entry
from consents
where (
    select min(later.at) from consents as later
    where later.subject = consents.subject and later.purpose = consents.purpose and later.at > consents.at
) < :before
