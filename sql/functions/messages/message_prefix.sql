create or replace function core.message_prefix(p_channel text, p_address text) returns text
language sql immutable strict parallel safe security invoker
as $$
select case p_channel when 'sms' then left(p_address, -4) else substring(p_address from '@[^@]*$') end
$$;

comment on function core.message_prefix(text, text) is
'What an address has in common with its neighbours: a number without its last four digits, @ and the domain of an e-mail address.';
revoke all on function core.message_prefix(text, text) from public;
grant execute on function core.message_prefix(text, text) to saferoute_api, saferoute_auth;
