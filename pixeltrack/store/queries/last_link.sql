select coalesce(max(number), 0) from links where campaign_id = :campaign_id
