create or replace function core.checked_from_name(p_from_name text) returns text
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_name text := core.checked_name('from_name', p_from_name, 40);
begin
    -- It stands in a message to a stranger: phones make links of such words.
    if v_name ~ '[/\\:@<>]' or v_name ~ '\w\.\w{2}' or v_name ~ '\d{5}' then
        perform core.fail('SR018', 'from_name could be taken for a link or a number');
    end if;
    return v_name;
end
$$;

comment on function core.checked_from_name(text) is
'By which name a walker introduces themselves; SR018 where it is no name. Strangers read it, so it holds no link and no number to call.';
revoke all on function core.checked_from_name(text) from public;
grant execute on function core.checked_from_name(text) to saferoute_api;
