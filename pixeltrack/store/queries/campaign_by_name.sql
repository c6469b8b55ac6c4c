select campaign_id, name, code, key_id, kind, created, sent from campaigns where name = :name
