-- What nobody but operators may do with API keys, and what a program with a key may not do.
begin;
select plan(5);

create temporary view roles as
select r.rolname from pg_roles as r
where r.rolname in ('web_anon', 'authenticated', 'integrator', 'authenticator', 'saferoute_api', 'worker', 'analyst', 'replicator');

select is_empty(
    $$select r.rolname, p.proname from roles as r, pg_proc as p
      where p.proname in ('create_api_key', 'limit_api_key', 'revoke_api_key') and has_function_privilege(r.rolname, p.oid, 'execute')$$,
    'only operators make, limit and end keys'
);
select is_empty(
    $$select r.rolname from roles as r
      where r.rolname <> 'authenticator' and has_any_column_privilege(r.rolname, 'core.api_keys', 'select, insert, update')$$,
    'only the login of the API reads the table'
);
select set_eq(
    $$select a.attname::text from pg_attribute as a
      where a.attrelid = 'core.api_keys'::regclass and a.attnum > 0
      and has_column_privilege('authenticator', a.attrelid, a.attnum, 'select')$$,
    '{api_key_id,digest,scopes,expires_at,revoked_at,last_used_at}'::text[], 'but not whose keys they are'
);
select set_eq(
    $$select p.proname::text from pg_proc as p
      where p.pronamespace = 'api'::regnamespace and has_function_privilege('integrator', p.oid, 'execute')$$,
    '{safe_routes,route_safety,risk_at,crimes_near}'::text[], 'a program with a key asks for routes and risk, and for nothing of a person'
);
select is_empty(
    $$select c.oid::regclass from pg_class as c
      where c.relnamespace in ('core'::regnamespace, 'api'::regnamespace, 'ops'::regnamespace, 'analytics'::regnamespace)
      and c.relkind in ('r', 'p', 'v') and has_any_column_privilege('integrator', c.oid, 'select, insert, update')$$,
    'and reads no table'
);

select * from finish();
rollback;
