-- A walker shares a walk; what the link shows, how precisely, and until when.
begin;
select plan(28);

create function pg_temp.walker() returns uuid language sql immutable as $$select '00000000-0000-4000-8000-000000000001'::uuid$$;
create function pg_temp.walk() returns uuid language sql immutable as $$select '00000000-0000-7000-8000-000000000001'::uuid$$;
-- As the live gateway: it has the token that a watcher shows.
create function pg_temp.opened(p_link text) returns json language plpgsql as $$
declare
    v_share json;
begin
    set local session authorization authenticator;
    v_share := live.open_share(sha256(convert_to(split_part(p_link, '#', 2), 'UTF8')));
    reset session authorization;
    return v_share;
end
$$;
create function pg_temp.seen(p_share json, p_since_seq bigint default null) returns json language plpgsql as $$
declare
    v_seen json;
begin
    set local session authorization authenticator;
    v_seen := live.journey_snapshot(
        (p_share ->> 'journey_id')::uuid, coalesce(p_since_seq, (p_share ->> 'since_seq')::bigint), p_share ->> 'precision'
    );
    reset session authorization;
    return v_seen;
end
$$;

select tests.authenticate_as(pg_temp.walker());
select api.start_journey(pg_temp.walk(), -77.03, 38.9, -77.02, 38.91);
select api.record_points(pg_temp.walk(), json_build_array(
    json_build_object('recorded_at', now() - interval '2 minutes', 'lon', -77.03, 'lat', 38.9),
    json_build_object('recorded_at', now() - interval '1 minute', 'lon', -77.0294, 'lat', 38.9004)
));
select is(api.my_shares(pg_temp.walk())::text, '[]', 'a walk is shared with nobody at first');
create temporary table shares as
select
    api.share_journey(pg_temp.walk()) as exact,
    api.share_journey(pg_temp.walk(), '8 hours', 'street') as street,
    api.share_journey(pg_temp.walk(), '1 hour', 'area') as area;
grant select on shares to public;
select matches(
    (select s.exact ->> 'link' from shares as s), '^http://127.0.0.1:18000/watch#[A-Za-z0-9_-]{43}$',
    'the link is of this platform, and its token goes to no server log'
);
select is((select (s.exact ->> 'expires_at')::timestamptz from shares as s), now() + interval '8 hours', 'it is good for eight hours');
select is((select (s.area ->> 'expires_at')::timestamptz from shares as s), now() + interval '1 hour', 'or for as long as was asked');
select is(json_array_length(api.my_shares(pg_temp.walk())), 3, 'the walker lists their links');
select unalike(api.my_shares(pg_temp.walk())::text, '%watch#%', 'without the tokens, which are shown once');
select throws_ok($$select api.share_journey(pg_temp.walk(), '8 days')$$, 'SR018', null, 'a week is the longest');
select throws_ok($$select api.share_journey(pg_temp.walk(), '-1 hour')$$, 'SR018', null, 'and the past is none');
select throws_ok($$select api.share_journey(pg_temp.walk(), '1 hour', 'metre')$$, 'SR018', null, 'a precision has a name');
select throws_ok($$select api.share_journey('00000000-0000-7000-8000-000000000009')$$, 'SR002', null, 'nobody shares another walk');
reset role;
select is_empty(
    $$select from core.journey_shares as s, shares as t where s::text like '%' || split_part(t.exact ->> 'link', '#', 2) || '%'$$,
    'the token is not kept'
);

select is(
    (select pg_temp.opened(s.exact ->> 'link')::jsonb - 'share_id' from shares as s),
    jsonb_build_object(
        'journey_id', pg_temp.walk(), 'precision', 'exact', 'since_seq', core.microseconds(now()),
        'expires_at', now() + interval '8 hours'
    ),
    'the gateway learns what the link shows'
);
select ok(pg_temp.opened('http://127.0.0.1:18000/watch#forged') is null, 'and nothing from a forged one');
select is(
    (select pg_temp.seen(pg_temp.opened(s.exact ->> 'link'))::jsonb - array['position', 'seq'] from shares as s),
    jsonb_build_object(
        'type', 'snapshot', 'topic', 'journey:' || pg_temp.walk(), 'state_seq', 0, 'state', 'active', 'reason', null,
        'expected_at', null, 'eta', null, 'ended_at', null, 'path', '[]'::json
    ),
    'a watcher sees how the walk is, not who walks, where it began or where it leads; the path begins with the link'
);
select is(
    (select pg_temp.seen(pg_temp.opened(s.exact ->> 'link')) -> 'position' ->> 'lat' from shares as s), '38.9004',
    'and where the walker is'
);
select is(
    (select pg_temp.seen(pg_temp.opened(s.exact ->> 'link'), 0) -> 'path' from shares as s)::text,
    json_build_array(
        json_build_array(-77.03, 38.9, core.microseconds(now() - interval '2 minutes')),
        json_build_array(-77.0294, 38.9004, core.microseconds(now() - interval '1 minute'))
    )::text,
    'the walker and their contacts see the whole path'
);
select cmp_ok(
    (
        select
            st_distance(
                st_point((p.p ->> 'lon')::float8, (p.p ->> 'lat')::float8, 4326)::geography, 'srid=4326;point(-77.0294 38.9004)'
            )
        from shares as s, lateral (select pg_temp.seen(pg_temp.opened(s.street ->> 'link')) -> 'position') as p (p)
    ), '<', 71::float8, 'street: off by at most half the diagonal of a grid of 100 m'
);
select is(
    (select pg_temp.seen(pg_temp.opened(s.area ->> 'link'))::jsonb #>> '{position,lat}' from shares as s),
    (round((round(38.9004 / (1000 / 111320.0)) * 1000 / 111320.0), 6)::float8)::text,
    'area: on a grid of 1 km'
);
select is(
    (select json_array_length(pg_temp.seen(pg_temp.opened(s.area ->> 'link'), 0) -> 'path') from shares as s), 1,
    'where a path does not leave its crossing it is one position'
);

-- The clock of a phone is not the server's: positions are resumed after positions.
select set_config('request.jwt.claims', json_build_object('sub', pg_temp.walker())::text, true);
select core.watch_journey(
    pg_temp.walker(), pg_temp.walk(), null, null, null, null, '5 minutes', null, null, null, now() + interval '1 minute'
);
select results_eq(
    $$select (s.seen ->> 'seq')::bigint, (s.seen ->> 'state_seq')::bigint > core.microseconds(now()), s.seen ->> 'state'
      from (select pg_temp.seen(pg_temp.opened(street ->> 'link')) as seen from shares) as s$$,
    $$select core.microseconds(now() - interval '1 minute'), true, 'active'$$, 'seq is of the newest position, state_seq of the state'
);

select tests.authenticate_as(pg_temp.walker());
select is(
    (select api.revoke_share((s.exact ->> 'share_id')::uuid) ->> 'is_open' from shares as s), 'false', 'the walker takes a link back'
);
select is(
    (select api.revoke_share((s.exact ->> 'share_id')::uuid) ->> 'is_open' from shares as s), 'false', 'twice is as once'
);
reset role;
select ok((select pg_temp.opened(s.exact ->> 'link') is null from shares as s), 'it shows nothing any more');
select results_eq(
    $$select live.closed_shares(array[(exact ->> 'share_id')::uuid, (street ->> 'share_id')::uuid]) from shares$$,
    $$select (exact ->> 'share_id')::uuid from shares$$,
    'and the gateway finds it among those it has open'
);
update core.journey_shares set expires_at = now()
where expires_at < now() + interval '2 hours';
select ok((select pg_temp.opened(s.area ->> 'link') is null from shares as s), 'an expired one shows nothing either');

select tests.authenticate_as(pg_temp.walker());
select api.end_journey(pg_temp.walk(), now());
reset role;
select is(
    (select (pg_temp.opened(s.street ->> 'link') ->> 'expires_at')::timestamptz from shares as s), now() + interval '10 minutes',
    'who watches sees that the walk has ended, for ten minutes'
);
update core.journeys set started_at = now() - interval '1 hour', ended_at = now() - interval '10 minutes';
select ok((select pg_temp.opened(s.street ->> 'link') is null from shares as s), 'and then nothing');
select tests.authenticate_as(pg_temp.walker());
select throws_ok($$select api.share_journey(pg_temp.walk())$$, 'SR095', null, 'a walk that is over is not shared');
reset role;

select * from finish();
rollback;
