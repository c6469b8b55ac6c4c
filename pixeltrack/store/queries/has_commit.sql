-- Whether a commit of unknown outcome was made: nothing is committed under its mark after it.
select 1 from commits where mark = :mark and number = :number
