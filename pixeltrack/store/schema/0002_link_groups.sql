-- What a link belongs to (data-pt-group), and whether people can see it at all: a honeypot is followed
-- by machines alone.
alter table links add column link_group text not null default '';
alter table links add column role text not null default 'link' check (role in ('link', 'honeypot'));
