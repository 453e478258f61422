create or replace function core.walker_warning(p_watch core.watches, p_warning text, p_now timestamptz)
returns core.inbox_entries
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_entry core.inbox_entries;
begin
    v_entry.user_id := p_watch.user_id;
    v_entry.walker_id := p_watch.user_id;
    v_entry.event := p_warning;
    v_entry.told_at := clock_timestamp();
    v_entry.message := jsonb_strip_nulls(jsonb_build_object(
        'type', 'watch',
        'journey_id', p_watch.journey_id,
        'event', p_warning,
        'reason', case when p_warning = 'check_in_due' then 'check_in' else p_watch.reason end,
        'at', p_now,
        'act_before', case
            when p_warning = 'check_in_due' then core.check_in_due_at(p_watch) else p_watch.state_since + p_watch.grace
        end
    ));
    return v_entry;
end
$$;

comment on function core.walker_warning(core.watches, text, timestamptz) is
'What the inbox of a walker is told of the watch of their walk, for core.add_inbox_entries to number: what is not as planned, and until when they can check in before it goes a step further.';
revoke all on function core.walker_warning(core.watches, text, timestamptz) from public;
grant execute on function core.walker_warning(core.watches, text, timestamptz) to saferoute_tasks;
