insert into recipients (identity, fields, subject) values (?1, ?2, subject_of(?1))
on conflict (identity) do update set fields = excluded.fields where fields <> excluded.fields
