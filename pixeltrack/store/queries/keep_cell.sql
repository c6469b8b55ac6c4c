-- Add to a total of hits that are deleted.
insert into kept_cells (campaign_id, cell, number) values (?, ?, ?)
on conflict (campaign_id, cell) do update set number = number + excluded.number
