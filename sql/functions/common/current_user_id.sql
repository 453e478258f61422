create or replace function core.current_user_id() returns uuid
language sql stable parallel safe security invoker
as $$
select nullif(nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub', '')::uuid
$$;

comment on function core.current_user_id() is
'The person who calls: the `sub` claim of the verified token, null for an anonymous caller. Inlined, so it has no search_path of its own.';
revoke all on function core.current_user_id() from public;
grant execute on function core.current_user_id() to saferoute_api, saferoute_tasks, authenticator;
