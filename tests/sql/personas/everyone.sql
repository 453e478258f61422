-- What holds for all: from the catalogue, so that what is added later is covered.
begin;
select plan(11);

-- Tables of people: those that are named as such, and those with a column that names a person or their address.
create temporary view of_people as
select c.oid as relation from pg_class as c
where
    c.relnamespace in ('core'::regnamespace, 'auth'::regnamespace) and c.relkind in ('r', 'p') and not c.relispartition
    and (
        c.oid in (select u.relation from core.user_data as u)
        or exists (
            select from pg_attribute as a
            where a.attrelid = c.oid and a.attname in ('user_id', 'caller_id', 'contact_id', 'address', 'phone', 'email')
        )
    );
create temporary view app_roles as
select r.rolname::text as role from pg_roles as r
where
    r.rolname in ('web_anon', 'authenticated', 'integrator', 'worker', 'replicator')
    or (pg_has_role('authenticator', r.oid, 'member') and r.rolname <> 'authenticator');

select cmp_ok((select count(*) from of_people), '>=', 10::bigint, 'there are tables of people');
select is_empty(
    $$select o.relation::regclass from of_people as o where o.relation not in (select u.relation from core.user_data as u)$$,
    'each is known to erase and export'
);
select is_empty(
    $$select o.relation::regclass from of_people as o inner join pg_class as c on c.oid = o.relation where not c.relrowsecurity$$,
    'each has row level security'
);
select is_empty(
    $$select o.relation::regclass from of_people as o where not exists (select from pg_policy as p where p.polrelid = o.relation)$$,
    'and a policy'
);
select is_empty(
    $$select p.polrelid::regclass, p.polname from pg_policy as p where 0 = any(p.polroles)$$,
    'each policy names its roles'
);
select is_empty(
    $$select c.oid::regclass from pg_class as c inner join pg_roles as r on r.oid = c.relowner
      where c.relnamespace = any(tests.our_schemas()) and c.relkind in ('r', 'p')
        and r.rolname in ('saferoute_api', 'saferoute_auth', 'saferoute_ingest', 'saferoute_live', 'saferoute_tasks', 'authenticator')$$,
    'what runs for callers owns no table: an owner is above policies'
);
select is_empty(
    $$select r.rolname from pg_roles as r where r.rolname like 'saferoute%' and (r.rolsuper or r.rolbypassrls)$$,
    'and none of our roles is above them'
);
-- A grant on a partition would lead past the policy of its table.
select is_empty(
    $$select c.oid::regclass, r.rolname from pg_class as c, aclexplode(c.relacl) as a
      inner join pg_roles as r on r.oid = a.grantee
      where c.relispartition and c.relnamespace = any(tests.our_schemas()) and a.grantee <> c.relowner$$,
    'no partition is granted to anybody'
);
select is_empty(
    $$select role, t from app_roles, tests.tables_of(role) as t where role <> 'worker' or t not like 'pgmq.%'$$,
    'no role of apps has a right to a table, view or sequence'
);
select is_empty(
    $$select role, f from app_roles, tests.functions_of(role) as f
      where f not like 'api.%' and (role <> 'worker' or (f not like 'pgmq.%' and f not like 'tasks.%'))$$,
    'nor to a function of another schema than api; workers have their own, and their queues'
);
select is_empty(
    $$select role, p from app_roles, tests.powers_of(role) as p where role <> 'replicator' and p <> 'create in pgmq'$$,
    'nor may it become another, or make objects'
);

select * from finish();
rollback;
