create or replace function core.report_content(p_user_id uuid, p_report_id uuid) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_report core.reports := core.own_report(p_user_id, p_report_id);
begin
    if v_report.state <> 'ready' then
        perform core.fail('SR111', format('it is %s', v_report.state));
    end if;
    return json_build_object(
        'file_name', format(
            '%s-%s.%s', replace(v_report.kind, '_', '-'), to_char(v_report.asked_at at time zone 'UTC', 'YYYY-MM-DD'),
            case v_report.kind when 'journey_report' then 'html' when 'gpx' then 'gpx' when 'export' then 'zip' else 'json' end
        ),
        'media_type', v_report.media_type,
        'base64', translate(encode(v_report.content, 'base64'), E'\n', '')
    );
end
$$;

comment on function core.report_content(uuid, uuid) is
'A report that is ready: file_name, media_type and the file in base64. SR111 where it is not ready yet, or failed.';
revoke all on function core.report_content(uuid, uuid) from public;
grant execute on function core.report_content(uuid, uuid) to saferoute_api;
