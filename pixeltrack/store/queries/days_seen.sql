-- Views of a site's pages by day (since 1970, UTC), without machines (class 4): of people one by one, and of all
-- others in hours that are over.
select at / 86400000, 1, count(*)
from views
join pages using (page_id)
where site_id = :site_id and class <> 4
group by 1
union all
select hour / 86400000, 0, sum(views)
from page_counters
join pages using (page_id)
where site_id = :site_id and class <> 4 and hour < :before
group by 1
order by 1
