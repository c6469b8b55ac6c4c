-- Every campaign, newest first.
select campaign_id, name, code, key_id, kind, created, sent, opens, clicks, attribute, cost, cost_currency
from campaigns
order by created desc, campaign_id desc
