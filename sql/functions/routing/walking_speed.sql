create or replace function core.walking_speed() returns float8
language sql immutable parallel safe security invoker
as $$
select 1.33::float8
$$;

comment on function core.walking_speed() is
'Metres per second that durations are told with: 4.8 km/h, an unhurried adult. Inlined, so it has no search_path of its own.';
revoke all on function core.walking_speed() from public;
grant execute on function core.walking_speed() to saferoute_api, saferoute_tasks;
