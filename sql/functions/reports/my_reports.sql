create or replace function core.my_reports(p_user_id uuid) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(json_agg(core.report_summary(r) order by r.asked_at desc, r.report_id), '[]')
from core.reports as r
where r.user_id = p_user_id and r.expires_at > now()
$$;

comment on function core.my_reports(uuid) is 'The reports that a person has asked for and that have not expired, newest first.';
revoke all on function core.my_reports(uuid) from public;
grant execute on function core.my_reports(uuid) to saferoute_api;
