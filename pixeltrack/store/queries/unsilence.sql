-- A copy is measured again, in opens, clicks or both, whose list had said denied and has changed its mind;
-- that also holds for the number of a pseudonymous one.
update silenced set kinds = kinds & ~:kinds
where campaign_id = :campaign_id and why = 'list' and message in (
    :message,
    (
        select unlinked(code, key_id, :identity) from campaigns where campaign_id = :campaign_id
    )
)
