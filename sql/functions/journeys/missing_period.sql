create or replace function core.missing_period(p_recorded_at timestamptz) returns text
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select case
    when p_recorded_at < now() - c.retention::interval
        then format('Its day, %s, is older than what is kept (%s).', d.day, c.retention)
    else format('Its day, %s, has no partition: `saferoute partitions maintain` makes it and stores the point.', d.day)
end
from partman.part_config as c
cross join lateral (select to_char(p_recorded_at at time zone 'UTC', 'YYYY-MM-DD') as day) as d
where c.parent_table::regclass = 'core.journey_points'::regclass
$$;

comment on function core.missing_period(timestamptz) is
'Why there is no partition for points of this time, in a sentence.';
revoke all on function core.missing_period(timestamptz) from public;
