select 1 from links where campaign_id = :campaign_id and number = :number
