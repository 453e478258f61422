create or replace function core.own_report(p_user_id uuid, p_report_id uuid) returns core.reports
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_report core.reports;
begin
    select r.* into v_report
    from core.reports as r
    where r.report_id = p_report_id and r.user_id = p_user_id and r.expires_at > now();
    if not found then
        perform core.fail('SR100', format('report %s', coalesce(p_report_id::text, 'null')));
    end if;
    return v_report;
end
$$;

comment on function core.own_report(uuid, uuid) is
'The report with this id, if the person asked for it and it has not expired; SR100 where not, whether or not it is somebody else''s.';
revoke all on function core.own_report(uuid, uuid) from public;
grant execute on function core.own_report(uuid, uuid) to saferoute_api;
