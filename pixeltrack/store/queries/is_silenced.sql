-- Whether hits of a kind (as in events) of a message are not to be measured any more.
select 1 from silenced where campaign_id = :campaign_id and message = :message and kinds & :kind
