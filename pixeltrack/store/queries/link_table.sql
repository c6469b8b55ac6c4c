select number, position, line, text, url, link_group, role, version
from links where campaign_id = :campaign_id order by number
