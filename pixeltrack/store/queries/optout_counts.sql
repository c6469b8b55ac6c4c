-- People who unsubscribed, or stopped tracking of opens, of clicks or of both, through a campaign's mail.
select case scope when 'all' then 'all' else 'tracking' end as refused, count(distinct subject) as people
from optouts
where campaign_id = :campaign_id
group by refused
