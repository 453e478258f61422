-- What a person gets: every row, as JSON that others read.
begin;
select plan(7);

select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select api.start_journey('00000000-0000-7000-8000-000000000001', -77.03, 38.9, -77.04, 38.91);
select api.record_points(
    '00000000-0000-7000-8000-000000000001',
    json_build_array(
        json_build_object('recorded_at', now(), 'lon', -77.0300001, 'lat', 38.9000002, 'speed_mps', 1.5),
        '{"lon": 1e999999}'::json, '["\u0000"]'::json
    )
);
select tests.authenticate_as('00000000-0000-4000-8000-000000000002');
select api.start_journey('00000000-0000-7000-8000-000000000002', -77.03, 38.9);
reset role;

create temporary table exported as
select
    d.name,
    e.line
from core.describe_user_data() as d
inner join core.user_tables() as t on d.relation = t.relation
cross join core.export_user_data(t.leaf, t.user_column, '00000000-0000-4000-8000-000000000001') as e (line);

select results_eq(
    $$select name, count(*)::integer from exported group by 1 order by 1$$,
    $$values ('journey_points', 1), ('journeys', 1), ('point_quarantine', 2)$$,
    'the rows of the person, and of nobody else'
);
select is(
    (
        select line::jsonb -> 'geometry' from exported
        where name = 'journey_points'
    ),
    '{"type": "Point", "coordinates": [-77.0300001, 38.9000002]}', 'a position is a GeoJSON point, longitude first'
);
select is(
    (
        select line::jsonb -> 'properties' ->> 'speed_mps' from exported
        where name = 'journey_points'
    ),
    '1.5', 'with its properties'
);
select is(
    (
        select line::jsonb -> 'properties' -> 'destination' from exported
        where name = 'journeys'
    ),
    '{"type": "Point", "coordinates": [-77.04, 38.91]}', 'a second geometry is a property'
);
select ok(
    (
        select bool_and(line::jsonb -> 'properties' ? 'archive') from exported
        where name <> 'point_quarantine'
    ),
    'each says which archive it is from'
);
select is(
    (
        select count(*) from exported
        where strpos(line, '"point":{"lon": 1e999999},') + strpos(line, '"point":["\u0000"],') > 0
    ), 2::bigint, 'what was set aside is as it was sent'
);
select results_eq(
    $$select name, has_geometry from core.describe_user_data()
      where name in ('journeys', 'point_quarantine', 'journey_points')$$,
    $$values ('journeys', true), ('point_quarantine', false), ('journey_points', true)$$,
    'walks come first, and it is known what goes on a map'
);

select * from finish();
rollback;
