-- What others cannot do with a walk that is shared or watched.
begin;
select plan(29);

select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select api.start_journey('00000000-0000-7000-8000-000000000001', -77.03, 38.9);
select api.watch_journey('00000000-0000-7000-8000-000000000001');
create temporary table share as select api.share_journey('00000000-0000-7000-8000-000000000001') as answer;
grant select on share to public;

select tests.authenticate_as('00000000-0000-4000-8000-000000000002');
select throws_ok(
    $$select api.share_journey('00000000-0000-7000-8000-000000000001')$$, 'SR002', null, 'another walker cannot share it'
);
select throws_ok($$select api.my_shares('00000000-0000-7000-8000-000000000001')$$, 'SR002', null, 'list its links');
select throws_ok($$select api.revoke_share((answer ->> 'share_id')::uuid) from share$$, 'SR096', null, 'or take one back');
select throws_ok(format($$select api.%s$$, c.call), 'SR002', null, c.call)
from unnest(array[
    $$watch_journey('00000000-0000-7000-8000-000000000001')$$, $$my_watch('00000000-0000-7000-8000-000000000001')$$,
    $$check_in('00000000-0000-7000-8000-000000000001')$$, $$extend_watch('00000000-0000-7000-8000-000000000001', null)$$,
    $$add_geofence('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000001', 'risk', min_risk => 1)$$,
    $$remove_geofence('00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000001')$$
]) as c (call);
set local role saferoute_api;
select is_empty($$select * from core.journey_shares$$, 'links do not exist for a function called by others');
select is_empty($$select * from core.watches$$, 'nor do watches');
select is_empty($$select * from core.journey_events$$, 'nor what happened');
select is_empty($$select * from core.geofences$$, 'nor areas');
reset role;

set local session authorization authenticator;
select ok(
    live.may_watch('00000000-0000-4000-8000-000000000001', '00000000-0000-7000-8000-000000000001'), 'the walker may watch their walk'
);
select ok(
    not live.may_watch('00000000-0000-4000-8000-000000000002', '00000000-0000-7000-8000-000000000001'), 'a stranger may not'
);
select ok(
    not coalesce(live.may_watch(null, '00000000-0000-7000-8000-000000000001'), false), 'nor may nobody'
);
reset session authorization;

-- An emergency contact with an account of their own.
select set_config('request.jwt.claims', json_build_object('sub', '00000000-0000-4000-8000-000000000001')::text, true);
select core.add_contact(
    '00000000-0000-4000-8000-000000000001', '00000000-0000-7000-8000-000000000001', 'Ben', 'email', 'ben@mail.example', 'Zoe', 1, 'en'
);
update core.contacts set
    state = 'accepted',
    contact_user_id = '00000000-0000-4000-8000-000000000003';
create function pg_temp.contact_watches() returns boolean language plpgsql as $$
declare
    v_answer boolean;
begin
    set local session authorization authenticator;
    v_answer := live.may_watch('00000000-0000-4000-8000-000000000003', '00000000-0000-7000-8000-000000000001');
    reset session authorization;
    return v_answer;
end
$$;
select ok(not pg_temp.contact_watches(), 'a contact watches no walk on which nothing is wrong');
select core.raise_alert(
    '00000000-0000-7000-8000-000000000002', '00000000-0000-4000-8000-000000000001', '00000000-0000-7000-8000-000000000001',
    'sos', null, null, null, false, false
);
select ok(pg_temp.contact_watches(), 'they do while an alert of it is open');
update core.alerts set state = 'countdown';
select ok(not pg_temp.contact_watches(), 'not yet in its countdown');
update core.alerts set state = 'acknowledged';
update core.contacts set state = 'withdrawn';
select ok(not pg_temp.contact_watches(), 'not once they have withdrawn');
update core.contacts set state = 'accepted';
update core.alerts set
    journey_id = null;
select ok(not pg_temp.contact_watches(), 'not if it is of another walk');
update core.alerts set
    journey_id = '00000000-0000-7000-8000-000000000001', state = 'resolved', ended_at = now();
select ok(not pg_temp.contact_watches(), 'and no more when it has ended');

-- What happens on the walk, for those who watch it.
set local session authorization authenticator;
select results_eq(
    $$select s.message ->> 'state', s.message ->> 'reason' from live.journeys_since(
        array['00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000009']::uuid[], '{0,0}') as s$$,
    $$values ('planned', 'watched'), ('active', 'started')$$, 'the gateway asks what has happened since'
);
select is_empty(
    $$select n.* from live.journeys_since(array['00000000-0000-7000-8000-000000000001'::uuid], '{0}') as s,
      live.journeys_since(array[s.journey_id], array[s.seq]) as n
      where s.message ->> 'state' = 'active'$$, 'and gets nothing twice'
);
select throws_ok($$select tasks.sweep_journeys()$$, '42501', null, 'it does not sweep');
reset session authorization;

select tests.call_anonymously();
select throws_ok(
    $$select api.share_journey('00000000-0000-7000-8000-000000000001')$$, '42501', null, 'who is not signed in shares nothing'
);
select throws_ok($$select live.open_share('\x00')$$, '42501', null, 'and opens nothing past the gateway');
select throws_ok(
    $$select live.journey_snapshot('00000000-0000-7000-8000-000000000001', 0, 'exact')$$, '42501', null, 'sees nothing'
);
reset role;
select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select throws_ok(
    $$select live.journeys_since(array['00000000-0000-7000-8000-000000000001'::uuid], '{0}')$$, '42501', null,
    'and no app calls what only the gateway does'
);
reset role;

select * from finish();
rollback;
