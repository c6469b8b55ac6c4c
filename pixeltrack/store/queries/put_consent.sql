-- One more entry, unless the ledger has it already: lists are imported again and again.
insert into consents (subject, purpose, decision, at, recorded, method, source, wording, origin)
select :subject, :purpose, :decision, :at, :recorded, :method, :source, :wording, :origin
where not exists (
    select 1 from consents
    where subject = :subject and purpose = :purpose and at = :at and decision = :decision
        and method = :method and source = :source and wording is :wording
)
