create or replace function core.message_country(p_number text) returns text
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(
    (
        select c.country from core.message_costs as c
        where c.channel = 'sms' and starts_with(p_number, '+' || c.country)
        order by length(c.country) desc
        limit 1
    ),
    core.calling_code(p_number)
)
$$;

comment on function core.message_country(text) is
'What an E.164 number is counted and paid under: the longest row of core.message_costs it begins with, else its calling code.';
revoke all on function core.message_country(text) from public;
grant execute on function core.message_country(text) to saferoute_api, saferoute_auth;
