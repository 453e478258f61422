create or replace function core.checked_name(p_key text, p_name text, p_longest integer) returns text
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_name text := btrim(p_name);
begin
    if not coalesce(length(v_name) between 1 and p_longest, false) or v_name ~ '[[:cntrl:]]' then
        perform core.fail('SR018', format('%s is 1 to %s characters in one line', p_key, p_longest));
    end if;
    return v_name;
end
$$;

comment on function core.checked_name(text, text, integer) is
'A name without the spaces around it; SR018 where it is empty, longer than p_longest or has line breaks. p_key is what the caller calls it.';
revoke all on function core.checked_name(text, text, integer) from public;
grant execute on function core.checked_name(text, text, integer) to saferoute_api;
