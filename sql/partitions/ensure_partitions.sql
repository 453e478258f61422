create or replace function core.ensure_partitions() returns integer
language sql volatile security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(sum(core.premake(s.parent)), 0)::integer from core.partition_sets as s
$$;

comment on function core.ensure_partitions() is
'core.premake for every partition set; how many periods were made. Run it at least daily.';
revoke all on function core.ensure_partitions() from public;
