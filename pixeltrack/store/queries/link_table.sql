select number, position, line, text, url, link_group, role from links where campaign_id = :campaign_id order by number
