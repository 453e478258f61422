create or replace function tasks.sound_alarm(p_now timestamptz default null) returns json
language sql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
select core.sound_alarm(p_now)
$$;

comment on function tasks.sound_alarm(timestamptz) is
'Raise the alert of one watched walk that tasks.sweep_journeys has left for this: {journey_id, alert_id}, null where there is none. Each in a transaction of its own. p_now: the time for tests, now where it is null.';
alter function tasks.sound_alarm(timestamptz) owner to saferoute_tasks;
revoke all on function tasks.sound_alarm(timestamptz) from public;
grant execute on function tasks.sound_alarm(timestamptz) to worker;
