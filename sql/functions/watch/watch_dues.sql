create or replace function core.watch_dues(p_watch core.watches) returns table (cause text, due_at timestamptz)
language sql immutable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select d.cause, d.due_at
from (values
    (
        'overdue',
        case
            -- Who says on time that all is well has ten minutes more.
            when p_watch.checked_in_at >= p_watch.expected_at then p_watch.checked_in_at + interval '10 minutes'
            else p_watch.expected_at
        end
    ),
    ('check_in', greatest(p_watch.checked_in_at, p_watch.starts_at) + p_watch.check_in_every),
    ('silence', greatest(p_watch.heard_at, p_watch.checked_in_at, p_watch.starts_at) + p_watch.silence_after),
    ('deviation', p_watch.strayed_at),
    ('geofence', p_watch.crossed_at)
) as d (cause, due_at)
where d.due_at is not null
$$;

comment on function core.watch_dues(core.watches) is
'Everything that is or will be a concern about a watched walk unless something happens before, with the time from which it is one.';
revoke all on function core.watch_dues(core.watches) from public;
grant execute on function core.watch_dues(core.watches) to saferoute_api, saferoute_tasks;
