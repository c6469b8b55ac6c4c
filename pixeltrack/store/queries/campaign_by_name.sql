select campaign_id, name, code, key_id, kind, created, sent, opens, clicks from campaigns where name = :name
