select number, position, line, text, url from links where campaign_id = :campaign_id order by number
