create or replace function core.require_user() returns uuid
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_user_id uuid := core.current_user_id();
begin
    if v_user_id is null then
        perform core.fail('SR001');
    end if;
    return v_user_id;
end
$$;

comment on function core.require_user() is 'The person who calls; SR001 where nobody is signed in.';
revoke all on function core.require_user() from public;
grant execute on function core.require_user() to saferoute_api;
