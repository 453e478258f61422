create or replace function core.counted_time(p_point json, p_received_at timestamptz) returns timestamptz
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select t.at
from (values (1), (1000), (1000000)) as u (per_second)
cross join lateral (
    select case
        when p_point ->> 'recorded_at' ~ '^\d{9,17}(\.\d{1,9})?$'
            then to_timestamp((p_point ->> 'recorded_at')::float8 / u.per_second)
    end as at
) as t
where t.at between p_received_at - interval '29 days' and p_received_at + interval '10 minutes'
$$;

comment on function core.counted_time(json, timestamptz) is
'The moment that recorded_at means where it counts seconds, milliseconds or microseconds since 1970 and that is near p_received_at; else null.';
revoke all on function core.counted_time(json, timestamptz) from public;
