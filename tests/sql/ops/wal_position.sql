-- Where a server is in its log: what consistency tokens and lag are made of.
begin;
select plan(6);

select is(p.is_standby, false, 'a primary says so') from ops.wal_position() as p;
select is(
    p.timeline, c.timeline_id, 'the timeline is that of the last checkpoint'
) from ops.wal_position() as p, pg_control_checkpoint() as c;
select ok(
    p.lsn between pg_current_wal_flush_lsn() - 1000000::numeric and pg_current_wal_flush_lsn(),
    'what is flushed, not what is only inserted'
) from ops.wal_position() as p;

set local role authenticator;
select lives_ok('select * from ops.wal_position()', 'the API may ask');
reset role;
set local role web_anon;
select throws_ok('select * from ops.wal_position()', '42501', null, 'nobody else');
reset role;
set local role authenticated;
select throws_ok('select * from ops.wal_position()', '42501', null, 'not even signed in');
reset role;

select * from finish();
rollback;
