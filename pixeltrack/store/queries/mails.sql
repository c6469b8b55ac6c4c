-- The mails that a report shows, one of each version: the newest, and one to look at only where there is no other.
select kind, charset, links, preview, added, content, version
from (
    select *, row_number() over (partition by version order by preview, added desc, digest) as place
    from mails
    where campaign_id = :campaign_id
)
where place = 1
order by version
