create or replace function core.coordinate(p_text text) returns float8
language sql immutable parallel safe security invoker
-- Not strict: PostgreSQL inlines no strict function whose body is a CASE.
as $$
select case when p_text ~ '^[-+]?\d{1,9}(\.\d{0,20})?$' then p_text::float8 end
$$;

comment on function core.coordinate(text) is
'A coordinate as a file writes it; null where it is no decimal number. Inlined, so it has no search_path of its own.';
revoke all on function core.coordinate(text) from public;
