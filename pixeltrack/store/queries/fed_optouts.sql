-- Opt-outs by their places in the feed. They have no index by these, which lie close together.
select feed, subject, scope, at, campaign_id, message
from optouts
where feed between :first and :last
