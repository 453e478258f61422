-- A person is erased in steps, and others are not.
begin;
select plan(29);

create function tests.walk(p_user_id uuid, p_journey_id uuid) returns void
language sql volatile
as $$
select tests.authenticate_as(p_user_id);
select api.start_journey(p_journey_id, -77.03, 38.9, started_at => now() - interval '2 days');
select api.record_points(p_journey_id, (
    select json_agg(json_build_object('recorded_at', now() - n * interval '6 hours', 'lon', -77.03, 'lat', 38.9))
    from generate_series(0, 7) as n
));
select api.record_points(p_journey_id, '["no point"]');
select set_config('role', 'none', true);
$$;

create view tests.counts as
select
    t.relation::text as name,
    sum(core.count_user_rows(t.leaf, t.user_column, '00000000-0000-4000-8000-000000000001'))::integer as own,
    sum(core.count_user_rows(t.leaf, t.user_column, '00000000-0000-4000-8000-000000000002'))::integer as others
from core.user_tables() as t
where t.relation in ('core.journeys'::regclass, 'core.journey_points'::regclass, 'core.point_quarantine'::regclass)
group by t.relation;

-- Of a receipt, what was removed from these tables.
create function tests.removed(p_removed jsonb) returns jsonb
language sql immutable
as $$
select jsonb_object_agg(r.key, r.value) from jsonb_each(p_removed) as r
where r.key in ('journeys', 'journey_points', 'point_quarantine')
$$;

select tests.walk('00000000-0000-4000-8000-000000000001', '00000000-0000-7000-8000-000000000001');
select tests.walk('00000000-0000-4000-8000-000000000002', '00000000-0000-7000-8000-000000000002');

-- Days may also stand outside the set, or beside it.
create table core.beside (like core.journey_points);
insert into core.beside select * from core.journey_points
where recorded_at < now() - interval '36 hours';
select results_eq(
    $$select name, own, others from tests.counts order by 1$$,
    $$values ('core.journey_points', 9, 9), ('core.journeys', 1, 1), ('core.point_quarantine', 1, 1)$$,
    'both have data'
);
select throws_ok($$select * from core.erase_user('00000000-0000-4000-8000-000000000001', 0)$$, '22023', null, 'a step removes something');

create temporary table steps (n serial, relation regclass, leaf regclass, removed bigint);
insert into steps (relation, leaf, removed) select * from core.erase_user('00000000-0000-4000-8000-000000000001', 3);
select is((select sum(removed) from steps), 3::numeric, 'a step removes no more than it is told');
select is((
    select own from tests.counts
    where name = 'core.journey_points'
), 6, 'positions go first');

select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select throws_ok(
    $$select api.record_points('00000000-0000-7000-8000-000000000001', '[{"lon":1}]')$$, 'SR002', null, 'nothing more is taken for the walk'
);
select throws_ok($$select api.journey_track('00000000-0000-7000-8000-000000000001')$$, 'SR002', null, 'it cannot be read');
select throws_ok($$select api.end_journey('00000000-0000-7000-8000-000000000001')$$, 'SR002', null, 'nor ended');
select throws_ok(
    $$select api.start_journey('00000000-0000-7000-8000-000000000001', -77.03, 38.9, started_at => now() - interval '2 days')$$,
    'SR003', null, 'nor begun again'
);
select is(api.my_journeys()::text, '[]', 'nor seen in a list');
reset role;

do $$
begin
    loop
        insert into steps (relation, leaf, removed) select * from core.erase_user('00000000-0000-4000-8000-000000000001', 3);
        exit when not found;
    end loop;
end
$$;
select results_eq(
    $$select relation::text, sum(removed)::integer from steps group by relation order by max(n)$$,
    $$values ('core.journey_points', 9), ('core.point_quarantine', 1), ('core.journeys', 1)$$,
    'positions, what was set aside, journeys last'
);
select results_eq(
    $$select name, own, others from tests.counts order by 1$$,
    $$values ('core.journey_points', 0, 9), ('core.journeys', 0, 1), ('core.point_quarantine', 0, 1)$$,
    'nothing is left, and of others everything'
);
select is_empty(
    $$select leaf from steps where relation = 'core.journey_points'::regclass and leaf = relation$$,
    'rows are removed leaf by leaf, which locks no set'
);

-- The receipt.
select results_eq(
    $$select tests.removed(removed), finished_at is null, user_digest from core.erasures$$,
    $$values ('{"journey_points": 9, "point_quarantine": 1, "journeys": 1}'::jsonb, true,
      encode(sha256('00000000-0000-4000-8000-000000000001'), 'hex'))$$,
    'one open receipt counts all steps'
);
select unalike(
    (select to_jsonb(e)::text from core.erasures as e), '%00000000-0000-4000-8000-000000000001%', 'and does not name the person'
);
create temporary table receipts as
select core.finish_erasure(erasure_id, '0/1', '{"primary": 0}') as receipt from core.erasures;
select is(receipt ->> 'digest', core.receipt_digest(receipt), 'a receipt bears its digest') from receipts;
select isnt(
    receipt ->> 'digest', core.receipt_digest(jsonb_set(receipt, '{removed,journeys}', '2')), 'which is not that of another'
) from receipts;
select is(
    core.finish_erasure((receipt ->> 'erasure_id')::uuid, '0/2', '{"primary": 1}'), receipt, 'a closed receipt stays as it is'
) from receipts;
set local timezone = 'Asia/Tokyo';
select is(core.erasure_receipt((receipt ->> 'erasure_id')::uuid), receipt, 'whatever the time zone') from receipts;
set local timezone = 'UTC';
select is_empty($$select * from core.erase_user('00000000-0000-4000-8000-000000000001')$$, 'erasing again removes nothing');
select results_eq(
    $$select tests.removed(removed) from core.erasures where finished_at is null$$,
    $$values ('{"journey_points": 0, "point_quarantine": 0, "journeys": 0}'::jsonb)$$,
    'and says so in a receipt of its own'
);

-- A table that comes from an old archive.
create table core.restored (like core.journey_points);
insert into core.restored
select (jsonb_populate_record(p, jsonb_build_object(
    'user_id', '00000000-0000-4000-8000-000000000001', 'journey_id', '00000000-0000-7000-8000-000000000001'
))).*
from core.journey_points as p;
insert into core.restored select * from core.journey_points;
select is(core.remove_erased('core.restored'), 8::bigint, 'rows of who was erased do not come back');
select results_eq(
    $$select user_id, count(*) from core.restored group by 1$$,
    $$values ('00000000-0000-4000-8000-000000000002'::uuid, 8::bigint)$$, 'those of others do'
);
select is(core.remove_erased('core.crime_data'), 0::bigint, 'and crimes are nobody''s');
select tests.walk('00000000-0000-4000-8000-000000000001', '00000000-0000-7000-8000-000000000003');
insert into core.restored
select * from core.journey_points
where journey_id = '00000000-0000-7000-8000-000000000003';
select is(core.remove_erased('core.restored'), 0::bigint, 'who walks again keeps the new walk');

-- Rows to which no journey leads.
delete from core.beside;
insert into core.beside (journey_id, recorded_at, cell, user_id, geom)
select
    gen_random_uuid(),
    now(),
    'dqcjr',
    '00000000-0000-4000-8000-000000000009',
    'srid=4326;point(-77 38.9)'
from generate_series(1, 5);
select is_empty($$select * from core.erase_user('00000000-0000-4000-8000-000000000009')$$, 'no journey leads to them');
select is(core.erase_leftovers('00000000-0000-4000-8000-000000000009', 'core.beside', 3), 3::bigint, 'reading the table does');
select is(core.erase_leftovers('00000000-0000-4000-8000-000000000009', 'core.beside', 3), 2::bigint, 'in steps as well');
select is(
    (
        select removed ->> 'journey_points' from core.erasures
        where user_digest = core.user_digest('00000000-0000-4000-8000-000000000009')
    ),
    '5', 'and they count'
);

-- Archives are files: they are dealt with first.
select tests.walk('00000000-0000-4000-8000-000000000004', '00000000-0000-7000-8000-000000000004');
insert into core.partition_archives (parent, lower_bound, upper_bound, file_name, file_digest, file_bytes, row_count, leaf_rows)
values ('core.journey_points', date_trunc('day', now()), date_trunc('day', now()) + interval '1 day', 'day.dump', '', 0, 0, '{}');
select throws_ok(
    $$select * from core.erase_user('00000000-0000-4000-8000-000000000004')$$,
    '55000', null, 'journeys stay while an archive of their days is pending'
);

select * from finish();
rollback;
