create or replace function core.request_report(
    p_user_id uuid, p_report_id uuid, p_kind text, p_parameters jsonb
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_most constant integer := 50;
    v_parameters constant jsonb := coalesce(p_parameters, '{}');
    v_total integer;
    v_report core.reports;
begin
    if p_report_id is null then
        perform core.fail('SR018', 'report_id is null');
    end if;
    select r.* into v_report from core.reports as r where r.report_id = p_report_id and r.user_id = p_user_id;
    if not found then
        v_total := core.report_total(p_user_id, p_kind, v_parameters);
        if (select count(*) from core.reports as r where r.user_id = p_user_id and r.expires_at > now()) >= v_most then
            perform core.fail('SR097', format('%s reports; they go after 7 days, or with remove_report', v_most));
        end if;
        insert into core.reports as r (report_id, user_id, kind, parameters, total)
        values (p_report_id, p_user_id, p_kind, v_parameters, v_total)
        on conflict (report_id) do nothing
        returning r.* into v_report;
        if found then
            perform core.enqueue_report(p_report_id, p_kind);
        else -- the same call, a moment earlier; or somebody else's, which is not seen
            select r.* into v_report from core.reports as r where r.report_id = p_report_id and r.user_id = p_user_id;
        end if;
    end if;
    if v_report.report_id is null or (v_report.kind, v_report.parameters) is distinct from (p_kind, v_parameters) then
        perform core.fail('SR110', format('report %s', p_report_id));
    end if;
    return core.report_summary(v_report);
end
$$;

comment on function core.request_report(uuid, uuid, text, jsonb) is
'Have a report made for a person; the same call again answers how far it is. SR110 where the id stands for another report, SR097 where they keep 50.';
revoke all on function core.request_report(uuid, uuid, text, jsonb) from public;
grant execute on function core.request_report(uuid, uuid, text, jsonb) to saferoute_api;
