-- One message stops being measured for good, because its person was erased.
insert into silenced (campaign_id, message, why, kinds) values (:campaign_id, :message, 'person', 3)
on conflict (campaign_id, message) do update set why = 'person', kinds = 3
