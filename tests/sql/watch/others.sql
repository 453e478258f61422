-- What others cannot do with a walk that is shared or watched.
begin;
select plan(14);

select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select api.start_journey('00000000-0000-7000-8000-000000000001', -77.03, 38.9);
create temporary table share as select api.share_journey('00000000-0000-7000-8000-000000000001') as answer;
grant select on share to public;

select tests.authenticate_as('00000000-0000-4000-8000-000000000002');
select throws_ok(
    $$select api.share_journey('00000000-0000-7000-8000-000000000001')$$, 'SR002', null, 'another walker cannot share it'
);
select throws_ok($$select api.my_shares('00000000-0000-7000-8000-000000000001')$$, 'SR002', null, 'list its links');
select throws_ok($$select api.revoke_share((answer ->> 'share_id')::uuid) from share$$, 'SR096', null, 'or take one back');
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
