create or replace function core.raise_drill(
    p_user_id uuid, p_alert_id uuid, p_journey_id uuid, p_lon float8, p_lat float8, p_message text
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    if p_alert_id is null then
        perform core.fail('SR018', 'alert_id is null');
    end if;
    if 3 <= (
        select count(*) from core.alerts as a
        where a.user_id = p_user_id and a.is_drill and a.raised_at > now() - interval '1 day' and a.alert_id <> p_alert_id
    ) then
        perform core.fail('SR046', 'three rehearsals in a day');
    end if;
    return core.raise_alert(p_alert_id, p_user_id, p_journey_id, 'sos', p_lon, p_lat, p_message, false, true);
end
$$;

comment on function core.raise_drill(uuid, uuid, uuid, float8, float8, text) is
'core.raise_alert as a rehearsal; SR046 beyond three in a day, since its messages cost what others cost.';
revoke all on function core.raise_drill(uuid, uuid, uuid, float8, float8, text) from public;
grant execute on function core.raise_drill(uuid, uuid, uuid, float8, float8, text) to saferoute_api;
