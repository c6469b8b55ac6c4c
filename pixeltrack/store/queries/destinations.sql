select number, url from links
where campaign_id = :campaign_id and number >= :first and number < :behind
order by number
