-- Who calls.
begin;
select plan(5);

select is(core.current_user_id(), null, 'without claims nobody calls');
select tests.call_anonymously();
reset role;
select throws_ok('select core.require_user()', 'SR001', null, 'an anonymous caller is asked to sign in');
select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
reset role;
select is(core.require_user(), '00000000-0000-4000-8000-000000000001', 'the sub claim is the person');
select set_config('request.jwt.claims', '{"role":"authenticated","sub":""}', true);
select is(core.current_user_id(), null, 'an empty sub is nobody');
select set_config('request.jwt.claims', '{"role":"authenticated","sub":"1 or true"}', true);
select throws_ok('select core.require_user()', '22P02', null, 'a sub that is no UUID is refused');

select * from finish();
rollback;
