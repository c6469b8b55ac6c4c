select campaign_id, name, code, key_id, kind, created, sent, opens, clicks, attribute, cost, cost_currency
from campaigns where name = :name
