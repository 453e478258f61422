create or replace function core.call_once(
    p_key text,
    p_endpoint text,
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
set search_path = core, pg_catalog, pg_temp
as $$
declare
    v_caller_id uuid;
    v_digest bytea := sha256(convert_to(p_arguments::text, 'UTF8'));
    v_known core.idempotency_keys;
begin
    perform set_config('request.jwt.claims', p_claims, true);
    v_caller_id := core.current_caller_id();
    if v_caller_id is null or p_key !~ '^[ -~]{1,200}$' then
        perform core.fail('SR081');
    end if;
    -- A second call waits here for the first to end, and is answered like it where that has succeeded.
    perform pg_advisory_xact_lock(hashtextextended(v_caller_id || p_key, 174));
    select k.* into v_known
    from core.idempotency_keys as k
    where k.caller_id = v_caller_id and k.idempotency_key = p_key and k.created_at > now() - interval '24 hours';
    if found then
        if v_known.endpoint <> p_endpoint or v_known.digest <> v_digest then
            perform core.fail('SR080');
        end if;
        body := v_known.body;
        status := v_known.status;
        headers := coalesce(v_known.headers, '[]')::jsonb || '{"Idempotency-Replayed": "true"}'::jsonb;
        -- See core.call.
        perform pg_logical_emit_message(true, 'saferoute', '');
        return;
    end if;

    select c.body, c.status, c.headers into body, status, headers
    from core.call(
        p_role, p_read_only, p_claims, p_method, p_path, p_headers, p_application, p_statement, p_arguments
    ) as c;
    -- What was refused may be tried again.
    if coalesce(status, '200') < '400' then
        perform set_config('role', 'none', true);
        insert into core.idempotency_keys as k (caller_id, idempotency_key, endpoint, digest, body, status, headers)
        values (
            v_caller_id, p_key, p_endpoint, v_digest, body, status,
            case
                -- What was published is not published again.
                when headers like '%"Saferoute-Publish"%' then
                    (
                        select jsonb_agg(h.header)
                        from jsonb_array_elements(headers::jsonb) as h (header)
                        where not h.header ? 'Saferoute-Publish'
                    )::text
                else headers
            end
        )
        on conflict (caller_id, idempotency_key) do update set -- it is over a day old
            endpoint = excluded.endpoint,
            digest = excluded.digest,
            body = excluded.body,
            status = excluded.status,
            headers = excluded.headers,
            created_at = excluded.created_at;
    end if;
end
$$;

comment on function core.call_once(text, text, text, boolean, text, text, text, text, text, text, json) is
'core.call for a request with an Idempotency-Key: the first that succeeds is kept with its answer in the same transaction, and the same request again is answered from there, with the header Idempotency-Replayed. SR080 where the key was used for another request, SR081 where it cannot be used or nobody is signed in. What fails or is refused keeps nothing.';
revoke all on function core.call_once(text, text, text, boolean, text, text, text, text, text, text, json) from public;
grant execute on function core.call_once(text, text, text, boolean, text, text, text, text, text, text, json) to authenticator;
