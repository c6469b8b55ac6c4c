-- People who unsubscribed, or stopped tracking, through a campaign's mail.
select scope, count(*) as people from optouts where campaign_id = :campaign_id group by scope
