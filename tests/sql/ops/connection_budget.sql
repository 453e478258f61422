-- Who may have how many connections.
begin;
select plan(6);

create function pg_temp.of(p_consumer text) returns ops.connection_budget
language sql as $$
select b.* from ops.connection_budget as b where b.consumer = p_consumer
$$;

select is((pg_temp.of('worker')).allowed, 60, 'workers have a limit, which the server keeps');
alter role worker connection limit 7;
select is((pg_temp.of('worker')).allowed, 7, 'a DBA sets it');
select
    is(
        sum(b.allowed), current_setting('max_connections')::bigint, 'what nobody else may have is the API''s'
    )
from ops.connection_budget as b
where b.consumer <> 'everybody';
select cmp_ok((pg_temp.of('superusers')).used, '>=', 1, 'open connections are counted');
select is(sum(b.used)::integer, (pg_temp.of('everybody')).used, 'each once')
from ops.connection_budget as b
where b.consumer <> 'everybody';
set local role operator;
select isnt_empty('select * from ops.connection_budget', 'operators look at it');
reset role;

select * from finish();
rollback;
