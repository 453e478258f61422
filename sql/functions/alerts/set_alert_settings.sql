create or replace function core.set_alert_settings(
    p_user_id uuid, p_countdown_s integer, p_cancel_code text, p_duress_code text, p_current_code text
) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_now core.alert_settings;
    v_digest bytea;
    v_salt bytea := uuid_send(gen_random_uuid());
begin
    if p_countdown_s not between 0 and 60 then
        perform core.fail('SR018', format('countdown_s is 0 to 60, not %s', p_countdown_s));
    end if;
    if p_cancel_code !~ '^([0-9]{4,8})?$' or p_duress_code !~ '^[0-9]{4,8}$' then
        perform core.fail('SR018', 'a code is 4 to 8 digits');
    end if;
    if p_duress_code is not null and coalesce(p_cancel_code, '') in ('', p_duress_code) then
        perform core.fail('SR018', 'a duress code comes with another code that cancels');
    end if;
    perform set_config('synchronous_commit', 'on', true);
    insert into core.alert_settings (user_id) values (p_user_id) on conflict do nothing;
    select s.* into v_now from core.alert_settings as s where s.user_id = p_user_id for update;
    if v_now.cancel_code_digest is not null then
        v_digest := core.alert_code_digest(v_now.code_salt, p_current_code);
        if v_digest not in (v_now.cancel_code_digest, coalesce(v_now.duress_code_digest, v_now.cancel_code_digest)) then
            perform core.fail('SR093');
        elsif v_digest = v_now.duress_code_digest then
            -- Whoever made them say it learns nothing and changes nothing.
            return json_build_object(
                'countdown_s', coalesce(p_countdown_s, v_now.countdown_s), 'has_code', p_cancel_code is distinct from ''
            );
        end if;
    end if;
    update core.alert_settings as s set
        countdown_s = coalesce(p_countdown_s, s.countdown_s),
        code_salt = case p_cancel_code when '' then null else v_salt end,
        cancel_code_digest = case when p_cancel_code <> '' then core.alert_code_digest(v_salt, p_cancel_code) end,
        duress_code_digest = case when p_duress_code is not null then core.alert_code_digest(v_salt, p_duress_code) end
    where s.user_id = p_user_id and p_cancel_code is not null;
    update core.alert_settings as s set countdown_s = coalesce(p_countdown_s, s.countdown_s), changed_at = now()
    where s.user_id = p_user_id;
    return core.my_alert_settings(p_user_id);
end
$$;

comment on function core.set_alert_settings(uuid, integer, text, text, text) is
'Change how a person wants their calls for help handled; null leaves it as it is, p_cancel_code of no length does away with both codes. Where there is a code, p_current_code has to be it: SR093. The duress code only looks as if it were.';
revoke all on function core.set_alert_settings(uuid, integer, text, text, text) from public;
grant execute on function core.set_alert_settings(uuid, integer, text, text, text) to saferoute_api;
