-- A DBA at the views and procedures of schema ops.
begin;
select plan(11);

select is_empty($$select t from tests.tables_of('operator') as t where t not like 'ops.%'$$, 'they read the views of ops');
select set_eq(
    $$select f from tests.functions_of('operator') as f where f not like 'ops.%'$$,
    array['core.quarantine_reasons', 'core.leaves'], 'and what those are made of'
);
select set_eq($$select tests.powers_of('operator')$$, array['pg_read_all_stats'], 'they see who is busy, and become nobody');

set local session authorization operator;
select lives_ok($$select * from ops.partition_health$$, 'they see how partitions are');
select lives_ok($$select * from ops.api_keys$$, 'which keys there are');
select lives_ok($$select * from ops.rate_limits$$, 'and which limits');
select throws_ok($$select * from core.users$$, '42501', null, 'but no accounts');
select throws_ok($$select * from core.journey_points$$, '42501', null, 'nor where people walk');
select throws_ok($$select digest from core.api_keys$$, '42501', null, 'nor what a key is known by');
select throws_ok($$delete from core.erasures$$, '42501', null, 'they remove no receipt');
select throws_ok($$set role saferoute_owner$$, '42501', null, 'and are not the owner');
reset session authorization;

select * from finish();
rollback;
