-- People who are counted together. Of messages that come one by one (list empty) the numbers add up; of a
-- list that comes again its rows were deleted before.
insert into crowds (campaign_id, list, crowd, opens, clicks, company, industry, size, region, recipients)
values (:campaign_id, :list, :crowd, :opens, :clicks, :company, :industry, :size, :region, :recipients)
on conflict (campaign_id, list, crowd, opens, clicks, company) do update
set recipients = recipients + excluded.recipients
