create or replace function core.time_precision(p_text text) returns text
language sql immutable parallel safe security invoker
-- Not strict: PostgreSQL inlines no strict function whose body is a CASE.
as $$
select case
    when p_text ~ '^\d{4}-\d{2}$' then 'month'
    when p_text ~ '\d[ T]\s*\d' then 'exact'
    else 'day'
end
$$;

comment on function core.time_precision(text) is
'How much of a moment a file states: month (2017-10), day (no time of day) or exact. Inlined, so it has no search_path of its own.';
revoke all on function core.time_precision(text) from public;
