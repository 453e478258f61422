-- One request of the API, as the login that runs it.
begin;
select plan(10);

create function pg_temp.request(p_role text, p_statement text, p_read_only boolean default false) returns text
language sql as $$
select c.body || coalesce(' ' || c.status, '')
from core.call(
    p_role, p_read_only, '{"sub":"a"}', 'GET', '/rpc/x', '{"x-trip":"b"}', 'test 1', p_statement, '{"n":4}'
) as c
$$;
grant execute on function pg_temp.request(text, text, boolean) to public;
create table public.written (n integer);
grant select, insert on public.written to web_anon;
set local session authorization authenticator;

select is(pg_temp.request('web_anon', 'select current_user::text'), 'web_anon', 'the statement runs as the role');
reset role;
select is(
    pg_temp.request('authenticated', $$select current_setting('request.jwt.claims') || current_setting('request.headers')$$),
    '{"sub":"a"}{"x-trip":"b"}', 'and sees who calls and how'
);
reset role;
select is(
    pg_temp.request('web_anon', $$select (a.n + 1)::text from json_to_record($1) as a (n integer)$$), '5',
    'arguments travel as one JSON value'
);
reset role;
select throws_ok(
    $$select pg_temp.request('saferoute_owner', 'select 1::text')$$, '42501', null, 'the owner''s role is out of reach'
);
select throws_ok(
    $$select pg_temp.request('web_anon', 'select core.fail(''SR001'')::text')$$, '42501', null,
    'rights are those of the role, not of the login'
);
select lives_ok(
    $$select pg_temp.request('web_anon', 'with w as (insert into public.written values (1) returning n) select n::text from w')$$,
    'a call that may write writes'
);
reset role;
select throws_ok(
    $$select pg_temp.request('web_anon', 'with w as (insert into public.written values (1) returning n) select n::text from w', true)$$,
    '25006', null, 'a call that reads cannot'
);
reset role;
select is(
    pg_temp.request('web_anon', $$select current_setting('application_name')$$), 'test 1', 'the session names the request'
);
reset role;
set local session authorization postgres;
create function pg_temp.refuse() returns text
language plpgsql security definer as $$
begin
    insert into public.written values (9);
    return core.refuse('SR018', 'why');
end
$$;
grant execute on function pg_temp.refuse() to public;
set local session authorization authenticator;
select is(
    pg_temp.request('web_anon', 'select pg_temp.refuse()'),
    '{"code" : "SR018", "message" : "An argument is outside its range.", "details" : "why", "hint" : null} 400',
    'a refusal is an answer with a status of its own'
);
reset role;
select is(current_setting('role'), 'none', 'a refused call leaves no role behind');

select * from finish();
rollback;
