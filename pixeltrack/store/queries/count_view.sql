-- One more view of a page in an hour that has some.
update page_counters set views = views + 1
where page_id = ? and campaign_id = ? and crowd = ? and hour = ? and class = ? and signal = ?
