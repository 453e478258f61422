-- Small calls of many people in one transaction: what each is answered, and what cannot be done this way.
begin;
select plan(41);

create function pg_temp.at(p_point text) returns text language sql as $$
select format('{"recorded_at":"%s","lon":-77.03,"lat":38.9%s}', to_char(now() at time zone 'UTC' - interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), p_point)
$$;
-- Each call is {"by": number of the person, "to": number of the journey, "points": [...]}.
create function pg_temp.together(p_calls text) returns text[] language sql security definer as $$
select core.record_points_together(
    array_agg(format('00000000-0000-4000-8000-%s', lpad(c.by::text, 12, '0'))::uuid order by c.nth),
    json_agg(json_build_object('journey_id', format('00000000-0000-7000-8000-%s', lpad(c.to::text, 12, '0')), 'points', c.points) order by c.nth)
)
from rows from (json_to_recordset(p_calls::json) as (by integer, "to" integer, points json)) with ordinality as c (by, "to", points, nth)
$$;
create function pg_temp.plain(p_accepted integer, p_duplicates integer default 0) returns text language sql as $$
select format('{"accepted" : %s, "duplicates" : %s, "quarantined" : []}', p_accepted, p_duplicates)
$$;
create function pg_temp.stored() returns bigint language sql as $$ select count(*) from core.journey_points $$;

-- Three days ago has no partition.
do $$ begin
    execute format('drop table %s', (
        select p.period from core.periods('core.journey_points') as p where p.lower_bound = date_trunc('day', now(), 'UTC') - interval '3 days'));
end $$;
insert into core.journeys (journey_id, user_id, cell, started_at, origin, ended_at, erasing_since)
select
    format('00000000-0000-7000-8000-%s', lpad(n::text, 12, '0'))::uuid,
    format('00000000-0000-4000-8000-%s', lpad(greatest(1, n - 1)::text, 12, '0'))::uuid,
    'dqcjr',
    now() - interval '2 hours',
    'srid=4326;point(-77.03 38.9)',
    case when n = 4 then now() - interval '90 minutes' end,
    case when n = 5 then now() end
from generate_series(1, 6) as n;
-- Person 1 has the journeys 1 and 2, person 2 the third, person 3 the fourth (ended), person 4 the fifth (being erased).

select is(
    pg_temp.together(format('[{"by":1,"to":1,"points":[%s]},{"by":2,"to":3,"points":[%s]}]', pg_temp.at(''), pg_temp.at(',"speed_mps":2000'))),
    array[pg_temp.plain(1), pg_temp.plain(1)], 'points of two people'
);
select results_eq(
    $$select journey_id, user_id, cell = 'dqcjr', round(st_x(geom)::numeric, 2), speed_mps from core.journey_points order by 1$$,
    $$values ('00000000-0000-7000-8000-000000000001'::uuid, '00000000-0000-4000-8000-000000000001'::uuid, true, -77.03, null::real),
      ('00000000-0000-7000-8000-000000000003', '00000000-0000-4000-8000-000000000002', true, -77.03, null)$$,
    'each is under its own person'
);
select results_eq(
    $$select journey_id, cells, points_from <= now() - interval '1 hour', points_until > now() - interval '1 hour',
        points_until - points_from from core.journeys where points_from is not null order by 1$$,
    $$values ('00000000-0000-7000-8000-000000000001'::uuid, array['dqcjr'], true, true, interval '1 day'),
      ('00000000-0000-7000-8000-000000000003', array['dqcjr'], true, true, interval '1 day')$$,
    'and their journeys can be read back'
);
select is(
    pg_temp.together(format(
        '[{"by":1,"to":1,"points":[%1$s]},{"by":2,"to":3,"points":[%1$s,%2$s]}]',
        pg_temp.at(''), replace(pg_temp.at(''), '38.9', '38.99')
    )),
    array[pg_temp.plain(0, 1), pg_temp.plain(1, 1)], 'what is there already is a duplicate'
);
select is(
    (
        select cells from core.journeys
        where journey_id = '00000000-0000-7000-8000-000000000003'
    ), array['dqcjr', 'dqcjz'
    ], 'another cell is added'
);
select is(
    pg_temp.together(format('[{"by":1,"to":2,"points":[%1$s,%1$s]},{"by":1,"to":2,"points":[%1$s]}]', pg_temp.at(''))),
    array[pg_temp.plain(1, 1), pg_temp.plain(0, 1)], 'and so is what comes twice in one call or in two at once'
);

-- Nothing of a call that is not plain is stored, and all of the others.
prepare among_others (text) as
select pg_temp.together(format(
    '[{"by":1,"to":1,"points":[%1$s]},%2$s,{"by":2,"to":3,"points":[%1$s]}]',
    pg_temp.at(format(',"recorded_at":%s', to_json(now() - interval '1 hour' - pg_temp.stored() * interval '1 second'))), $1
));
create function pg_temp.left_out(p_call text, p_what text) returns setof text language plpgsql as $$
declare
    v_before bigint := pg_temp.stored();
    v_answers text [];
begin
    execute format('execute among_others (%L)', p_call) into v_answers;
    return next is(
        row (v_answers, pg_temp.stored() - v_before),
        row (array[pg_temp.plain(1), null, pg_temp.plain(1)], 2::bigint), p_what
    );
end
$$;
select pg_temp.left_out(format('{"by":2,"to":1,"points":[%s]}', replace(pg_temp.at(''), '38.9', '38.95')), 'a point for a journey of somebody else');
select pg_temp.left_out(format('{"by":7,"to":9,"points":[%s]}', pg_temp.at('')), 'for a journey that is none');
select pg_temp.left_out(format('{"by":4,"to":5,"points":[%s]}', pg_temp.at('')), 'of a person who is being erased');
select pg_temp.left_out(format('{"by":3,"to":4,"points":[%s]}', pg_temp.at('')), 'after the end');
select pg_temp.left_out(format('{"by":1,"to":2,"points":[%s,{}]}', replace(pg_temp.at(''), '38.9', '38.97')), 'half of a call');
select pg_temp.left_out(format('{"by":1,"to":2,"points":[%s]}', p.point), 'the point ' || p.point)
from (
    values
    ('7'), ('[]'), (pg_temp.at(',"lon":"west"')), (pg_temp.at(',"lat":1e999')), (pg_temp.at(',"lat":91')), (pg_temp.at(',"lon":500')),
    (pg_temp.at(',"lon":"NaN"')), (pg_temp.at(',"lon":null')), (pg_temp.at(',"lat":32.9')), (pg_temp.at(',"lon":38.9,"lat":-77.03')),
    (pg_temp.at(',"recorded_at":null')), (pg_temp.at(',"recorded_at":"2026-13-45T00:00:00Z"')), (pg_temp.at(',"recorded_at":"2026-11-23T12:00:00"')),
    (pg_temp.at(',"recorded_at":"1970-01-01T00:00:00Z"')), (pg_temp.at(',"recorded_at":"2099-01-01T00:00:00Z"'))
) as p (point);
select pg_temp.left_out(format('{"by":1,"to":2,"points":%s}', p.points), 'the points ' || p.points)
from (values ('null'), ('[]'), ('{}'), ('"many"')) as p (points);
select pg_temp.left_out(
    format('{"by":1,"to":2,"points":[%s]}', pg_temp.at(format(',"recorded_at":%s', to_json(now() - interval '3 days')))), 'a day without a partition'
);
select pg_temp.left_out(
    format('{"by":1,"to":2,"points":[%s,%s]}', pg_temp.at(format(',"recorded_at":%s', to_json(now() - interval '3 days'))), '7'), 'and a point that cannot be read'
);

revoke execute on function api.record_points(uuid, json) from authenticated;
select is(
    pg_temp.together(format('[{"by":1,"to":1,"points":[%s]}]', replace(pg_temp.at(''), '38.9', '38.91'))), array[null::text], 'nothing while people may not record points'
);
grant execute on function api.record_points(uuid, json) to authenticated;

-- Who may do this.
select set_eq(
    $$select r.rolname::text from pg_roles as r where not r.rolsuper and has_function_privilege(r.oid, 'core.record_points_together(uuid[], json)', 'execute')$$,
    $$values ('authenticator'), ('saferoute_ingest'), ('saferoute_owner')$$, 'nobody but the API: no role that a caller can be'
);
select
    throws_ok(
        format($$set local role %I; select core.record_points_together(array[gen_random_uuid()], '[{}]')$$, r), '42501', null, r || ' cannot'
    )
from unnest(array['web_anon', 'authenticated', 'saferoute_api', 'operator']) as r;
set local role saferoute_ingest;
select throws_ok('select geom from core.journey_points', '42501', null, 'its owner reads no position');
select throws_ok('update core.journey_points set user_id = user_id', '42501', null, 'changes none');
select throws_ok('delete from core.journeys', '42501', null, 'and removes nothing');
reset role;

select * from finish();
rollback;
