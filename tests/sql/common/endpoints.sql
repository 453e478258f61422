-- What is said of endpoints.
begin;
select plan(2);

select is_empty(
    $$
    select e.endpoint
    from core.endpoints as e
    inner join pg_proc as p on p.proname = e.endpoint and p.pronamespace = 'api'::regnamespace
    where e.class = 'sos' and p.provolatile = 'v' and not e.is_repeatable
    $$,
    'a call for help that got no answer may be sent again: the gateway does so'
);
select is_empty(
    $$
    select e.endpoint
    from core.endpoints as e
    left join pg_proc as p on p.proname = e.endpoint and p.pronamespace = 'api'::regnamespace and p.provolatile = 'v'
    where e.is_repeatable and p.oid is null
    $$,
    'and what is sent again is a function that writes'
);

select * from finish();
rollback;
