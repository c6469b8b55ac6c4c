-- A copy is tracked again whose list had said denied and has changed its mind.
delete from silenced where campaign_id = ? and message = ? and why = 'list'
