-- Open rates are over copies of which opens are measured, click rates over those of which clicks are; so
-- both are kept, and providers and companies hold three numbers each: either, opens, clicks.
alter table audiences add column opens integer not null default 0;
alter table audiences add column clicks integer not null default 0;
alter table audiences add column together text not null default '[]';  -- the same of modes 1 and 2

-- A roll-up says of a message which of the two are measured. When that changes it is made again, and who is
-- just counting starts once more.
create trigger message_measured after update of opens, clicks on messages
when (old.opens >= 4) <> (new.opens >= 4) or (old.clicks >= 4) <> (new.clicks >= 4)
begin
    delete from rollups where campaign_id = new.campaign_id;
    delete from rollup_cells where campaign_id = new.campaign_id;
    update judging set writes = writes + 1;
end;
