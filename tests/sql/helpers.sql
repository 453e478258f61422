-- What the pgTAP stories begin with: who is calling.
create schema tests;

create function tests.authenticate_as(p_user_id uuid) returns void
language sql volatile
as $$
select
    set_config('request.jwt.claims', json_build_object('role', 'authenticated', 'sub', p_user_id)::text, true),
    set_config('role', 'authenticated', true)
$$;

create function tests.call_anonymously() returns void
language sql volatile
as $$
select set_config('request.jwt.claims', '{"role":"web_anon"}', true), set_config('role', 'web_anon', true)
$$;

grant usage on schema tests to public;
