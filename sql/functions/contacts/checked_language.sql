create or replace function core.checked_language(p_language text) returns text
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    if not exists (select from core.consent_wordings as w where w.language = p_language) then
        perform core.fail('SR018', format(
            'language is one of %s', (select string_agg(distinct w.language, ', ') from core.consent_wordings as w)
        ));
    end if;
    return p_language;
end
$$;

comment on function core.checked_language(text) is
'A language in which a contact can be asked; SR018 where core.consent_wordings has none such.';
revoke all on function core.checked_language(text) from public;
grant execute on function core.checked_language(text) to saferoute_api;
