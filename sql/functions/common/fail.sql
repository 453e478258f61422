create or replace function core.fail(p_code text, p_detail text default null) returns void
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_error core.error_codes;
begin
    select * into strict v_error from core.error_codes where code = p_code;
    raise exception using
        errcode = v_error.code,
        message = v_error.message,
        detail = coalesce(p_detail, ''),
        hint = coalesce(v_error.hint, '');
end
$$;

comment on function core.fail(text, text) is
'Raise one of our own errors: SQLSTATE p_code, message and hint from core.error_codes, detail from the caller.';
revoke all on function core.fail(text, text) from public;
grant execute on function core.fail(text, text) to saferoute_api, saferoute_auth, saferoute_live, saferoute_tasks, authenticator;
