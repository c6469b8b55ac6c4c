-- People who saw a page, machines left out: of one site or of any. A star at the end of a path is any rest.
select distinct messages.recipient_id
from pages
join sites using (site_id)
join views using (page_id)
join messages using (campaign_id, message)
left join silenced using (campaign_id, message)
where (:host = '' or sites.host = :host)
    and (
        pages.path = :path
        or (substr(:path, -1) = '*' and substr(pages.path, 1, length(:path) - 1) = substr(:path, 1, length(:path) - 1))
    )
    and views.class <> :machine and views.at >= :since
    and (:campaign_id is null or views.campaign_id = :campaign_id)
    and messages.clicks = 5 and not coalesce(silenced.kinds, 0) & 2
