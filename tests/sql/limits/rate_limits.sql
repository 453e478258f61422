-- What limits there can be, and who may change them.
begin;
select plan(16);

select set_eq(
    $$select c.class from core.endpoint_classes as c where not exists (select from core.rate_limits as r where r.class = c.class)$$,
    '{sos}'::text[], 'every class is limited at first, but calls for help'
);
select throws_ok(
    $$insert into core.rate_limits values ('sos', 'ip', null, 1, 60)$$,
    '23514', null, 'calls for help cannot be limited'
);
select throws_ok($$update core.rate_limits set class = 'sos'$$, '23514', null, 'not even by a change');
select set_eq(
    $$select class from core.rate_limits where is_hard$$, '{sign_in,sign_up,codes}'::text[],
    'signing in and up, and codes, have hard limits'
);
select throws_ok(
    $$insert into core.rate_limits values ('reads', 'ip', null, 5, 60)$$, '23505', null, 'a class has one limit for each subject'
);
select throws_ok(
    $$insert into core.rate_limits values ('reads', 'host', null, 5, 60)$$, '23514', null, 'nothing else is counted'
);
select throws_ok(
    $$insert into core.rate_limits values ('nosuch', 'ip', null, 5, 60)$$, '23503', null, 'nor a class that is not there'
);
select throws_ok($$update core.rate_limits set amount = 0 where class = 'reads'$$, '23514', null, 'some calls are admitted');
select throws_ok($$update core.rate_limits set window_s = 0 where class = 'reads'$$, '23514', null, 'a window takes time');
select throws_ok(
    $$update core.rate_limits set is_hard = true, amount = 1001 where class = 'reads'$$,
    '23514', null, 'a hard limit, which keeps the time of each call, is small'
);
select throws_ok(
    $$insert into core.rate_limits values ('reads', 'address', null, 5, 60)$$, '23514', null, 'reads name no address'
);
select throws_ok(
    $$insert into core.rate_limits values ('reads', 'user', gen_random_uuid(), 5, 60)$$,
    '23514', null, 'only API keys have limits of their own'
);
select throws_ok(
    $$insert into core.rate_limits values ('reads', 'api_key', gen_random_uuid(), 5, 60)$$,
    '23503', null, 'and only keys that are there'
);

select set_eq(
    $$select r.rolname::text from pg_roles as r
      where r.rolname in ('web_anon', 'authenticated', 'integrator', 'authenticator', 'saferoute_api', 'worker', 'analyst', 'operator')
      and (has_table_privilege(r.rolname, 'core.rate_limits', 'select, insert, update, delete')
          or has_table_privilege(r.rolname, 'ops.rate_limits', 'select, insert, update, delete'))$$,
    '{authenticator,operator}'::text[], 'the login of the API and operators see them'
);
select ok(
    not has_table_privilege('authenticator', 'core.rate_limits', 'insert, update, delete'), 'the API changes none'
);
set local role operator;
select lives_ok(
    $$update ops.rate_limits set amount = 300 where (class, subject) = ('routes', 'user')$$, 'an operator does'
);

select * from finish();
rollback;
