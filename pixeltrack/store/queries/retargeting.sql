-- What the ledger says of retargeting, of everybody who has got mail, in the order in which it was put down.
select recipients.recipient_id, consents.at, consents.decision, consents.method
from consents
cross join recipients on recipients.subject = consents.subject
where consents.purpose = 'retargeting'
