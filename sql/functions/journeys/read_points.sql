create or replace function core.read_points(p_points json)
returns table (
    nth bigint,
    recorded_at timestamptz,
    lon float8,
    lat float8,
    speed_mps real,
    accuracy_m real,
    battery_pct real
)
language sql stable parallel safe security invoker
as $$
select
    p.nth,
    -- Without a zone a time could be any of 24: it is no time. LIKE is the quick test of the usual form.
    case
        when p.recorded_at like '____-__-__T__:__:__%Z'
            or p.recorded_at ~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)? ?(Z|z|[+-]\d\d(:?\d\d)?)$'
            then p.recorded_at::timestamptz
    end,
    p.lon,
    p.lat,
    case when p.speed_mps between 0 and 1000 then p.speed_mps end,
    case when p.accuracy_m between 0 and 1000000 then p.accuracy_m end,
    case when p.battery_pct between 0 and 100 then p.battery_pct end
from rows from (json_to_recordset(p_points) as (
    recorded_at text, lon float8, lat float8, speed_mps real, accuracy_m real, battery_pct real
)) with ordinality as p (recorded_at, lon, lat, speed_mps, accuracy_m, battery_pct, nth)
-- Keeps it a subquery: inlined further, the time would be read once for each place that uses it.
offset 0
$$;

comment on function core.read_points(json) is
'The points of a JSON array, numbered from 1. A time that is not ISO 8601 with a zone is null, and so are speed, accuracy and battery outside their range. A value that cannot be cast raises a data exception. json_to_recordset takes 2 us for a point, ->> for each key 10. Inlined, so it has no search_path of its own.';
revoke all on function core.read_points(json) from public;
grant execute on function core.read_points(json) to saferoute_api, saferoute_ingest;
