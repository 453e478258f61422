-- A new period gets leaves for the regions that are in use, and only for those.
begin;
select plan(3);

insert into core.regions values ('dqcj', 'Washington'), ('gcpv', 'London');
insert into core.journey_points (journey_id, recorded_at, cell, user_id, geom)
values (gen_random_uuid(), now(), 'dqcjr', gen_random_uuid(), 'srid=4326;point(-77.03 38.9)');
update partman.part_config set premake = 9
where parent_table = 'core.journey_points';

select is(core.ensure_partitions(), 2, 'a longer premake in part_config makes the missing days');
select is(
    (select max(upper_bound) from core.periods('core.journey_points')),
    date_trunc('day', now(), 'UTC') + interval '10 days', 'up to the new horizon'
);
select results_eq(
    $$select distinct l.lower_cell collate "default" from core.periods('core.journey_points') as p, core.leaves(p.period) as l
      where p.lower_bound > now() + interval '7 days' and l.lower_cell is not null$$,
    $$values ('dqcj')$$,
    'with a leaf for the region that has points this week'
);

select * from finish();
rollback;
