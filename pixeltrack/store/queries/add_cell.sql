-- Add to a number of a roll-up, which may not be there yet.
insert into rollup_cells (campaign_id, cell, number) values (?, ?, ?)
on conflict (campaign_id, cell) do update set number = number + excluded.number
