-- pg_partman 5 drops and makes anew its tables of 4.7 when the extension is updated.
begin;
select plan(3);

select results_eq(
    'select parent::text, premake, retention from ops.part_config() order by 1',
    $$values ('core.crime_data', 2, null), ('core.journey_points', 7, interval '30 days')$$,
    'premake and retention of our sets'
);
set local role operator;
select isnt_empty('select from ops.part_config()', 'which an operator sees, who may not read pg_partman''s tables');
reset role;
select is_empty(
    $$select r.ev_class::regclass, d.refobjid::regclass
      from pg_depend as d
      inner join pg_rewrite as r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
      inner join pg_class as v on v.oid = r.ev_class
      inner join pg_class as t on d.refclassid = 'pg_class'::regclass and t.oid = d.refobjid
      where t.relnamespace = 'partman'::regnamespace and v.relnamespace <> 'partman'::regnamespace$$,
    'so no view of ours names one of them: the update could not drop it'
);

select * from finish();
rollback;
