-- Views of a site's pages: of people one by one, and of all others in hours that are over. Who came by two
-- mails is one person, where a row says so.
select path, 1, class, agent, 0, count(*), min(at), max(at),
    json_group_array(distinct coalesce(
        'recipient ' || recipient_id, 'message ' || views.campaign_id || ' ' || views.message
    ))
from views
join pages using (page_id)
join agents using (agent_id)
left join messages on messages.campaign_id = views.campaign_id and messages.message = views.message
where site_id = :site_id
group by path, class, agent
union all
select path, 0, class, '', signal, sum(views), null, null, '[]'
from page_counters
join pages using (page_id)
where site_id = :site_id and hour < :before
group by path, class, signal
