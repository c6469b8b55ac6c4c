-- What people refused through a campaign's mail.
select message, scope from optouts where campaign_id = :campaign_id
