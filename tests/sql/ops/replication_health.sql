-- What a DBA is told of those who follow this server. Streams are looked at in tests/integration/test_replication.py.
begin;
select plan(10);

-- Others may stream from the server of these tests.
create function pg_temp.of(p_slot text) returns text
language sql as $$
select concat_ws(': ', state, nullif(array_to_string(problems, ' '), ''))
from ops.replication_health where slot = p_slot
$$;

select is(count(*), 0::bigint, 'a primary follows nobody') from ops.replay_health;
select lives_ok(
    $$select pg_create_physical_replication_slot(name, true)
      from (values ('tap_gone'), ('tap_reports')) as t (name)$$,
    'slots that nothing streams from'
);
select matches(pg_temp.of('tap_gone'), '^red: It does not stream', 'a standby that is away is missed');
select set_config('saferoute.lag_tolerant_replicas', 'analysts, tap_reports', true);
select matches(pg_temp.of('tap_reports'), '^yellow: It does not stream', 'one that may be behind is missed less');
select results_eq(
    $$select name, link, is_lag_tolerant, wal_status, retained_bytes >= 0
      from ops.replication_health where slot = 'tap_gone'$$,
    $$values ('tap_gone', 'absent', false, 'reserved', true)$$,
    'and what is kept for it is told'
);
select results_eq(
    'select * from ops.replication_limits()', $$values ('{analysts,tap_reports}'::text[], 30::float8)$$,
    'what it is judged by'
);

set local role operator;
select lives_ok('select * from ops.replication_health', 'an operator may look');
select lives_ok('select * from ops.replay_health', 'on both sides');
reset role;
set local role authenticated;
select throws_ok('select * from ops.replication_health', '42501', null, 'nobody else');
select throws_ok('select * from ops.replay_health', '42501', null, 'on either side');
reset role;

select pg_drop_replication_slot(slot_name) from pg_replication_slots
where slot_name in ('tap_gone', 'tap_reports');
select * from finish();
rollback;
