delete from addresses
where campaign_id = ? and message = ? and at = ? and kind = ? and link = ? and address = ?
