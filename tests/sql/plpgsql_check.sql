-- The layout linter does not look inside $$; this does. Trigger functions are checked against the table they stand on.
-- Before the first PL/pgSQL function of the session: version 2.8 refuses to come later.
load 'plpgsql_check';
begin;
select plan(1);

select is_empty(
    $$
    select p.oid::regprocedure, c.lineno, c.level, c.message
    from pg_proc as p
    inner join pg_namespace as n on n.oid = p.pronamespace
    inner join pg_language as l on l.oid = p.prolang
    left join lateral (select t.tgrelid, t.tgoldtable, t.tgnewtable from pg_trigger as t where t.tgfoid = p.oid and not t.tgisinternal limit 1) as t on true
    cross join lateral plpgsql_check_function_tb(
        p.oid, coalesce(t.tgrelid, 0), oldtable => t.tgoldtable, newtable => t.tgnewtable,
        extra_warnings => false, performance_warnings => false
    ) as c
    where n.nspname in ('api', 'auth', 'live', 'tasks', 'core', 'ops', 'analytics') and l.lanname = 'plpgsql' and c.level = 'error'
    $$,
    'plpgsql_check finds no error'
);

select * from finish();
rollback;
