create or replace function core.my_alert_settings(p_user_id uuid) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'countdown_s', coalesce(max(s.countdown_s), 0),
    'has_code', coalesce(bool_or(s.cancel_code_digest is not null), false)
)
from core.alert_settings as s
where s.user_id = p_user_id
$$;

comment on function core.my_alert_settings(uuid) is
'How a person wants their calls for help handled. Not whether there is a duress code: whoever makes them cancel may ask.';
revoke all on function core.my_alert_settings(uuid) from public;
grant execute on function core.my_alert_settings(uuid) to saferoute_api;
