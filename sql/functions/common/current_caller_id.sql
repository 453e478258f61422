create or replace function core.current_caller_id() returns uuid
language sql stable parallel safe security invoker
as $$
select coalesce(
    core.current_user_id(), (nullif(current_setting('request.jwt.claims', true), '')::json ->> 'api_key_id')::uuid
)
$$;

comment on function core.current_caller_id() is
'The person or the API key that calls; null for an anonymous caller. Inlined, so it has no search_path of its own.';
revoke all on function core.current_caller_id() from public;
grant execute on function core.current_caller_id() to authenticator;
