create or replace function core.fields_in_words(p_load core.crime_loads, p_fields text[], p_roles text[]) returns text
language sql stable strict security invoker
set search_path = core, public, pg_temp
as $$
select string_agg(
    format('%s is %s', p_load.header[c.position], coalesce(quote_literal(left(p_fields[c.position], 60)), 'missing')),
    ', ' order by r.nth
)
from unnest(p_roles) with ordinality as r (role, nth)
cross join lateral (select (p_load.columns ->> r.role)::integer as position) as c
where c.position is not null
$$;

comment on function core.fields_in_words(core.crime_loads, text[], text[]) is
'What a row of a crime file says in the columns with these roles, under the names the file gives them.';
revoke all on function core.fields_in_words(core.crime_loads, text[], text[]) from public;
