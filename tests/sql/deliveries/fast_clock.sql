-- A primary whose clock was fast has written what is due; the one after it has the right time.
begin;
select plan(8);

select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select api.add_contact('00000000-0000-7000-8000-000000000011', 'Mum', 'sms', '+442079460123', 'Zoë');
select set_config('tests.mum', split_part(tests.sent('+442079460123') ->> 'link', '#', 2), true);
select tests.call_anonymously();
select api.accept_contact(current_setting('tests.mum'));
select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select api.raise_sos('00000000-0000-7000-8000-000000000001', lon => -77.03, lat => 38.9);
reset role;

create function pg_temp.due() returns setof uuid language sql security definer set search_path = core, public as $$
select core.due_deliveries(10)
$$;
-- As the fast clock has written it.
update core.alerts set
    raised_at = raised_at + interval '300 s', due_at = due_at + interval '300 s',
    next_tier_at = next_tier_at + interval '300 s';
update core.alert_deliveries set
    queued_at = queued_at + interval '300 s', due_at = due_at + interval '300 s',
    next_attempt_at = next_attempt_at + interval '300 s';
select is_empty('select pg_temp.due()', 'by the right clock nothing is due');
create temporary table before as
select a.next_tier_at - a.raised_at as wait from core.alerts as a;

set local role worker;
select isnt(tasks.nudge(10), 0, 'the next sweep finds that the alert is to be told');
reset role;
select isnt_empty('select pg_temp.due()', 'it is due now');
select is(
    (select a.next_tier_at - a.raised_at from core.alerts as a), (select b.wait from before as b),
    'the next tier waits as long as it was to'
);
select ok(a.next_tier_at > clock_timestamp() + interval '10 s', 'and not less') from core.alerts as a;

-- What is to come stays to come.
create temporary table planned as
select
    d.delivery_id,
    d.next_attempt_at
from core.alert_deliveries as d;
set local role worker;
select lives_ok('select tasks.nudge(10)', 'another sweep');
reset role;
select results_eq(
    'select d.delivery_id, d.next_attempt_at from core.alert_deliveries as d order by 1',
    'select p.delivery_id, p.next_attempt_at from planned as p order by 1',
    'changes nothing more'
);

-- A delivery that a worker has is its own for as long as the lease was to last.
update core.alert_deliveries set
    queued_at = clock_timestamp() + interval '300 s', next_attempt_at = clock_timestamp() + interval '300 s',
    claimed_until = clock_timestamp() + interval '310 s'
where channel = 'sms' and tier = 1;
select core.heed_clock();
select
    ok(
        d.claimed_until between clock_timestamp() + interval '5 s' and clock_timestamp() + interval '10 s',
        'a lease lasts as long as it was to'
    )
from core.alert_deliveries as d
where d.channel = 'sms' and d.tier = 1;

select * from finish();
rollback;
