create or replace function tasks.sweep_journeys(p_now timestamptz default null, p_limit integer default 500) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.sweep_journeys(p_now, p_limit)
$$;

comment on function tasks.sweep_journeys(timestamptz, integer) is
'Look at watched walks that are due: {looked, changed, is_more}. Call it again while is_more, and then tasks.sound_alarm until it finds none. p_now: the time for tests, now where it is null.';
alter function tasks.sweep_journeys(timestamptz, integer) owner to saferoute_tasks;
revoke all on function tasks.sweep_journeys(timestamptz, integer) from public;
grant execute on function tasks.sweep_journeys(timestamptz, integer) to worker;
