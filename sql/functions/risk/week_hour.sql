create or replace function core.week_hour(p_at timestamptz, p_time_zone text) returns integer
language sql stable parallel safe security invoker
as $$
select (1 + date_part('hour', p_at at time zone p_time_zone)
    + case when date_part('isodow', p_at at time zone p_time_zone) >= 6 then 24 else 0 end)::integer
$$;

comment on function core.week_hour(timestamptz, text) is
'The hour of the local clock, weekdays apart from weekends: 1 to 24 from midnight on Monday to Friday, 25 to 48 on Saturday and Sunday. Inlined, so it has no search_path of its own and is not strict.';
revoke all on function core.week_hour(timestamptz, text) from public;
grant execute on function core.week_hour(timestamptz, text) to saferoute_api, saferoute_tasks;
