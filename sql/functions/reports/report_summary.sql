create or replace function core.report_summary(p_report core.reports) returns json
language sql immutable parallel safe security invoker
as $$
select json_build_object(
    'report_id', p_report.report_id,
    'kind', p_report.kind,
    'state', p_report.state,
    'done', p_report.done,
    'total', p_report.total,
    'error', p_report.error,
    'media_type', p_report.media_type,
    'bytes', length(p_report.content),
    'asked_at', p_report.asked_at,
    'ended_at', p_report.ended_at,
    'expires_at', p_report.expires_at
)
$$;

comment on function core.report_summary(core.reports) is
'A report as who asked for it sees it. Inlined, so it has no search_path of its own.';
revoke all on function core.report_summary(core.reports) from public;
grant execute on function core.report_summary(core.reports) to saferoute_api;
