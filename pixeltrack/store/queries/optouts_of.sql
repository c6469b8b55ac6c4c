-- What one person refused on the collector's pages, and through which campaign's mail.
select scope, at, coalesce(campaigns.name, '') as campaign
from optouts
left join campaigns using (campaign_id)
where subject = :subject
order by at, scope
