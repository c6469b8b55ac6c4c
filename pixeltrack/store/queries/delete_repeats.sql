delete from repeats
where campaign_id = ? and message = ? and hour = ? and kind = ? and link = ?
    and agent_id = ? and flags = ? and network_id = ?
