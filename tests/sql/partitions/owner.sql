-- A superuser may run upkeep by hand: what it makes is the owner's all the same.
begin;
select plan(2);

select is(session_user::text, 'postgres', 'this story is a superuser''s');
select core.make_period('core.crime_data', '1901-01-01 00:00+00', '{gcp}');
select is_empty(
    $$select t.relid from pg_partition_tree('core.crime_data') as t
      inner join pg_class as c on c.oid = t.relid where c.relowner <> 'saferoute_owner'::regrole$$,
    'every period and every leaf belongs to saferoute_owner'
);

select * from finish();
rollback;
