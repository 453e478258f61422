create or replace function core.call(
    p_role text,
    p_read_only boolean,
    p_claims text,
    p_method text,
    p_path text,
    p_headers text,
    p_application text,
    p_statement text,
    p_arguments json,
    out body text,
    out status text,
    out headers text
) returns record
language plpgsql volatile parallel unsafe security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
    perform
        set_config('request.jwt.claims', p_claims, true),
        set_config('request.method', p_method, true),
        set_config('request.path', p_path, true),
        set_config('request.headers', p_headers, true),
        set_config('application_name', p_application, true),
        set_config('transaction_read_only', p_read_only::text, true),
        set_config('role', p_role, true);
    -- A statement of its own: in the one that sets the role, rights would be checked as the authenticator's.
    execute p_statement into body using p_arguments;
    -- What finds everything done already waits for the standbys, too: the first time, that may have been cut short. Only
    -- who has written something waits.
    if not p_read_only and pg_current_xact_id_if_assigned() is null then
        perform pg_logical_emit_message(true, 'saferoute', '');
    end if;
    status := nullif(current_setting('response.status', true), '');
    headers := nullif(current_setting('response.headers', true), '');
    -- Not for the caller: the API takes this header out and publishes what it holds.
    if current_setting('response.publications', true) <> '' then
        headers := coalesce(headers, '[]')::jsonb
        || jsonb_build_object('Saferoute-Publish', '[' || current_setting('response.publications') || ']');
    end if;
end
$$;

comment on function core.call(text, boolean, text, text, text, text, text, text, json) is
'One request of the API in one statement: become p_role, say who calls and how, run p_statement (text the API built from pg_proc, $1 = p_arguments) and return its one value as body. A function that sets response.status or response.headers (a JSON array of one-key objects) for its transaction answers with these. What core.publish has collected is added as a header Saferoute-Publish, which the API keeps to itself. All that is set ends with the transaction. p_application is the application_name while it runs: it names the request. SECURITY INVOKER: a role cannot be switched inside a definer function.';
revoke all on function core.call(text, boolean, text, text, text, text, text, text, json) from public;
grant execute on function core.call(text, boolean, text, text, text, text, text, text, json) to authenticator;
