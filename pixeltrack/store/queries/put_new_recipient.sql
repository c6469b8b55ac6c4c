-- Numbers of new rows follow each other; whoever is known already is left as they are.
insert or ignore into recipients (identity, fields, subject) values (?1, ?2, subject_of(?1))
