-- What people refused through a campaign's mail, or as was reported of it.
select message, scope from optouts where campaign_id = :campaign_id
union
select message, 'all' from deliveries
where campaign_id = :campaign_id and kind = 'unsubscribed' and message <> 0
