create or replace function core.tg_catalogue__notify() returns trigger
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    notify saferoute_catalogue;
    return null;
end
$$;

comment on function core.tg_catalogue__notify() is
'Tell every API process to read anew what it keeps of the database: classes, limits, API keys.';
revoke all on function core.tg_catalogue__notify() from public;
