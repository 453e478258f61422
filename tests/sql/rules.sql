-- House rules that every function keeps.
begin;
select plan(14);

create temporary view ours as
select
    p.oid,
    p.oid::regprocedure as signature,
    n.nspname,
    p.proname,
    p.prokind,
    p.prosecdef,
    p.proconfig,
    p.proacl,
    r.rolname as owner,
    l.lanname
from pg_proc as p
inner join pg_namespace as n on p.pronamespace = n.oid
inner join pg_roles as r on p.proowner = r.oid
inner join pg_language as l on p.prolang = l.oid
where n.nspname in ('api', 'auth', 'live', 'tasks', 'core', 'ops', 'analytics');

select is_empty(
    $$select signature from ours where obj_description(oid, 'pg_proc') is null$$,
    'every function has a comment'
);
select is_empty(
    $$select signature from ours
      where proacl is null or exists (select from aclexplode(proacl) where grantee = 0)$$,
    'PUBLIC may execute nothing'
);
select is_empty(
    $$select nspname, proname from ours group by 1, 2 having count(*) > 1$$,
    'no function is overloaded'
);
select is_empty(
    $$select signature from ours where nspname = 'api'
      and not (prosecdef and owner = 'saferoute_api' and exists (
          select from unnest(proconfig) as c where c like 'search_path=%'))$$,
    'api functions are SECURITY DEFINER, owned by saferoute_api, with a pinned search_path'
);
select is_empty(
    $$select signature from ours where nspname = 'api' and not exists (
          select from aclexplode(proacl) as a inner join pg_roles as r on r.oid = a.grantee
          where r.rolname in ('web_anon', 'authenticated', 'operator'))$$,
    'api functions say who may call them'
);
select is_empty(
    $$select signature from ours where nspname = 'auth' and not (prosecdef and owner = 'saferoute_auth')$$,
    'auth functions are SECURITY DEFINER and owned by saferoute_auth'
);
select is_empty(
    $$select o.signature from ours as o, aclexplode(o.proacl) as a inner join pg_roles as r on r.oid = a.grantee
      where o.nspname = 'auth' and r.rolname not in ('authenticator', 'saferoute_auth')$$,
    'and nobody but the API itself may call them'
);
select is_empty(
    $$select signature from ours where nspname in ('live', 'tasks') and not (prosecdef and owner = 'saferoute_' || nspname)$$,
    'live and tasks functions are SECURITY DEFINER and owned by a role of their own'
);
select is_empty(
    $$select o.signature from ours as o, aclexplode(o.proacl) as a inner join pg_roles as r on r.oid = a.grantee
      where o.nspname in ('live', 'tasks') and r.rolname not in ('authenticator', 'worker', o.owner)$$,
    'and nobody but the API, the gateway and the workers may call them'
);
select is_empty(
    $$select signature from ours where prosecdef and nspname not in ('api', 'auth', 'live', 'tasks', 'ops', 'analytics')
      and owner <> 'saferoute_ingest'$$,
    'only what apps, the API, operators and analysts call is SECURITY DEFINER'
);
select is_empty(
    $$select o.signature from ours as o, aclexplode(o.proacl) as a inner join pg_roles as r on r.oid = a.grantee
      where o.owner = 'saferoute_ingest' and r.rolname not in ('authenticator', 'saferoute_ingest')$$,
    'and what stores the points of many at once is called by nobody but the API itself'
);
select is_empty(
    $$select signature from ours where prosecdef and not exists (
          select from unnest(proconfig) as c where c like 'search_path=%')$$,
    'and it pins its search_path'
);
select is_empty(
    $$select signature from ours where lanname = 'plpgsql' and not exists (
          select from unnest(proconfig) as c where c like 'search_path=%')$$,
    'every PL/pgSQL function pins its search_path'
);
select is_empty(
    $$select c.oid::regclass from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace
      where n.nspname in ('core', 'auth', 'live', 'tasks', 'analytics', 'ops') and c.relkind in ('r', 'p', 'v') and not c.relispartition
      and obj_description(c.oid, 'pg_class') is null$$,
    'every table and view has a comment'
);

select * from finish();
rollback;
