-- The pages that were seen by whoever got a message.
select host, path, at, agent, class
from views
join pages using (page_id)
join sites using (site_id)
join agents using (agent_id)
where campaign_id = ? and message = ?
order by at, view_id
