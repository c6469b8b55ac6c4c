-- A campaign's roll-up, of its companies only those that are named: a JSON array of their cells.
select cell, number
from rollup_cells
where campaign_id = :campaign_id and (cell < '["company"' or cell >= '["company#')
union all
select rollup_cells.cell, rollup_cells.number
from json_each(:companies) as wanted
cross join rollup_cells on rollup_cells.campaign_id = :campaign_id and rollup_cells.cell = wanted.value
