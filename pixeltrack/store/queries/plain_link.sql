-- Where a link goes without the tags that we add.
select plain from links where campaign_id = :campaign_id and number = :number and plain <> ''
