-- The first and the last hour in which people's hits of a campaign fall.
select min(json_extract(cell, '$[2]')), max(json_extract(cell, '$[2]'))
from rollup_cells
where campaign_id = ? and cell >= '["hour",' and cell < '["hour-'
