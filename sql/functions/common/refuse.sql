create or replace function core.refuse(p_code text, p_detail text default null) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_error core.error_codes;
begin
    select * into strict v_error from core.error_codes where code = p_code;
    perform
        set_config('response.status', v_error.http_status::text, true),
        set_config(
            'response.headers',
            json_build_array(json_build_object('Proxy-Status', 'PostgREST; error=' || v_error.code))::text, true
        );
    return json_build_object(
        'code', v_error.code, 'message', v_error.message, 'details', p_detail, 'hint', v_error.hint
    );
end
$$;

comment on function core.refuse(text, text) is
'One of our own errors as the answer of a call, with its HTTP status and the header that every error has. Unlike core.fail it raises nothing, so what was written (a wrong code counted) stays.';
revoke all on function core.refuse(text, text) from public;
grant execute on function core.refuse(text, text) to saferoute_api, saferoute_auth;
