create or replace function ops.create_api_key(
    p_name text,
    p_contact text,
    p_scopes text[],
    p_expires_at timestamptz default null,
    out api_key_id uuid,
    out api_key text
) returns record
language plpgsql volatile parallel unsafe security definer
set search_path = core, public, pg_temp
as $$
declare
    v_unknown text;
begin
    select string_agg(distinct coalesce(s.scope, 'null'), ', ') into v_unknown
    from unnest(p_scopes) as s (scope)
    where not exists (select from core.endpoint_classes as c where c.class = s.scope);
    if v_unknown is not null or coalesce(cardinality(p_scopes), 0) = 0 then
        raise exception using
            errcode = 'invalid_parameter_value',
            message = coalesce('no such scope: ' || v_unknown, 'a key needs a scope'),
            hint = (select 'There are ' || string_agg(c.class, ', ' order by c.class) from core.endpoint_classes as c);
    end if;
    if not coalesce(length(p_name) between 1 and 100 and length(p_contact) between 1 and 200, false) then
        raise exception using
            errcode = 'invalid_parameter_value', message = 'a key has a name (up to 100 characters) and a contact (up to 200)';
    end if;
    if p_expires_at <= now() then
        raise exception using
            errcode = 'invalid_parameter_value', message = format('%s has passed: the key would never be valid', p_expires_at);
    end if;
    api_key_id := gen_random_uuid();
    api_key := format('sr_%s_%s', replace(api_key_id::text, '-', ''), core.random_token());
    insert into core.api_keys (api_key_id, name, contact, digest, scopes, expires_at)
    values (
        create_api_key.api_key_id, p_name, p_contact, sha256(convert_to(create_api_key.api_key, 'UTF8')),
        array(select distinct s.scope from unnest(p_scopes) as s (scope) order by s.scope), p_expires_at
    );
end
$$;

comment on function ops.create_api_key(text, text, text[], timestamptz) is
'Make an API key for an integrator: p_name says whose program it is, p_contact whom to write to, p_scopes which classes of endpoints (core.endpoint_classes) it may call. The key itself is in this answer and nowhere else.';
revoke all on function ops.create_api_key(text, text, text[], timestamptz) from public;
grant execute on function ops.create_api_key(text, text, text[], timestamptz) to operator;
