-- One more entry, unless the ledger has it already: lists are imported again and again. A refusal
-- without a time is as of now, so it is not new where that refusal holds already.
insert into consents (subject, purpose, decision, at, recorded, method, source, wording, origin)
select :subject, :purpose, :decision, :at, :recorded, :method, :source, :wording, :origin
where not exists (
    select 1 from consents
    where subject = :subject and purpose = :purpose and at = :at and decision = :decision
        and method = :method and source = :source and wording is :wording
) and not (
    :decision <> 'granted' and :at = :recorded and :decision = coalesce((
        select decision from consents
        where subject = :subject and purpose = :purpose
        order by at desc, decision = 'withdrawn' desc, decision = 'denied' desc
        limit 1
    ), '')
)
