-- The longest first: what two logs have in common at their beginning belongs to the longer one too. The
-- lengths are looked up one after the other in the index, not gathered from all rows.
with recursive lengths (length) as (
    select max(head_length) from logs
    union all
    select (select max(head_length) from logs where head_length < length) from lengths where length is not null
)
select length from lengths where length is not null
