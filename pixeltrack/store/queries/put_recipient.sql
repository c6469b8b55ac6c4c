insert into recipients (identity, fields) values (:identity, :fields)
on conflict (identity) do update set fields = excluded.fields where fields <> excluded.fields
