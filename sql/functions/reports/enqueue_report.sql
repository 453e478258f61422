create or replace function core.enqueue_report(
    p_report_id uuid, p_kind text, p_delay interval default '0'
) returns void
language sql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
select core.enqueue_task(
    'bulk',
    case p_kind when 'export' then 'export' when 'route_safety' then 'route_safety_bulk' else 'journey_report' end,
    jsonb_build_array(p_report_id),
    p_delay
)
$$;

comment on function core.enqueue_report(uuid, text, interval) is
'Have a worker make a report, behind nothing but its like: queue bulk.';
revoke all on function core.enqueue_report(uuid, text, interval) from public;
grant execute on function core.enqueue_report(uuid, text, interval) to saferoute_api, saferoute_tasks;
