create or replace function core.period_name(p_parent regclass, p_lower timestamptz) returns text
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select c.relname || core.period_suffix(p_parent, p_lower) from pg_catalog.pg_class as c where c.oid = p_parent
$$;

comment on function core.period_name(regclass, timestamptz) is
'The name, without schema, of the period of a set that begins at p_lower: the one pg_partman gives.';
revoke all on function core.period_name(regclass, timestamptz) from public;
