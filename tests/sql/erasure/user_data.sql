-- No table with a column that names a person escapes erase and export. A new one needs a row in core.user_data.
begin;
select plan(6);

create temporary view kept_of_people as
select distinct c.oid::regclass as relation
from pg_class as c
inner join pg_namespace as n on c.relnamespace = n.oid
inner join pg_attribute as a on c.oid = a.attrelid and a.attnum > 0 and not a.attisdropped
where
    n.nspname in ('core', 'analytics', 'ops', 'api', 'auth')
    and c.relkind in ('r', 'p', 'm') and not c.relispartition
    and (
        (a.atttypid = 'uuid'::regtype and (a.attname = 'user_id' or a.attname like '%\_user\_id'))
        or exists (
            select from pg_constraint as k inner join core.user_data as d on k.confrelid = d.relation
            where k.conrelid = c.oid and k.contype = 'f' and a.attnum = any(k.conkey)
        )
    );

select is_empty(
    $$select relation from kept_of_people
      where not exists (select from core.user_data as d where d.relation = kept_of_people.relation)
      and not exists (select from core.user_tables() as t where t.leaf = kept_of_people.relation)$$,
    'every table with a user column stands in core.user_data'
);
create table core.forgotten (watcher_user_id uuid);
create table core.forgotten_too (journey_id uuid references core.journeys on delete cascade);
select set_eq(
    $$select relation::text from kept_of_people
      where not exists (select from core.user_data as d where d.relation = kept_of_people.relation)$$,
    array['core.forgotten', 'core.forgotten_too'],
    'one that does not is found'
);

select is_empty(
    $$select d.relation from core.user_data as d
      where not exists (
          select from pg_attribute as a
          where a.attrelid = d.relation and a.attname = d.user_column and a.atttypid = 'uuid'::regtype
      )$$,
    'the user column exists'
);
select is_empty(
    $$select d.erase_with from core.user_data as d where d.erase_with is not null
      and to_regprocedure(format('core.%I(uuid, bigint)', d.erase_with)) is null$$,
    'and so does the function that removes'
);
select is_empty(
    $$select d.relation from core.user_data as d where d.erase_with is null and not exists (
          select from pg_index as i inner join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
          where i.indrelid = d.relation and a.attname = d.user_column
      )$$,
    'or an index that finds the rows'
);
select is_empty(
    $$select t.name, f.key from core.describe_user_data() as t, json_each_text(t.fields) as f (key, meaning)
      where f.meaning is null$$,
    'every field of an export says what it means'
);

select * from finish();
rollback;
