create or replace function core.tg_api_keys__notify() returns trigger
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    notify saferoute_catalogue;
    return null;
end
$$;

comment on function core.tg_api_keys__notify() is
'Tell every API process to forget the keys it has read, so that a revoked one is refused at once.';
revoke all on function core.tg_api_keys__notify() from public;
