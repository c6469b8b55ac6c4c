select campaign_id, name, code, key_id, kind, created from campaigns where name = :name
