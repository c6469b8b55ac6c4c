-- Whether a list has ever denied that somebody be tracked in this campaign.
select 1 from silenced where campaign_id = :campaign_id and why = 'list' limit 1
