insert into recipients (identity, fields) values (?, ?)
on conflict (identity) do update set fields = excluded.fields where fields <> excluded.fields
