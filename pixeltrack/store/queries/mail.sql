-- The mail that a report shows: the newest, and one to look at only where there is no other.
select kind, charset, links, preview, added, content
from mails
where campaign_id = :campaign_id
order by preview, added desc, digest
limit 1
