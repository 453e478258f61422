create or replace function core.checked_url(p_url text, p_is_webhook boolean) returns text
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_host text := lower(substring(p_url from '^https?://(\[[0-9a-fA-F:.]+\]|[^/:?#@\s]+)(:[0-9]{1,5})?([/?][^#\s]*)?$'));
begin
    if p_is_webhook and (select s.allows_local_webhooks from core.site as s) and v_host is not null then
        return p_url;
    end if;
    -- A name, with a dot and no address of a machine; where the name leads, the worker looks when it sends.
    if length(p_url) <= 2000 and p_url like 'https://%' and v_host ~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$'
        and v_host !~ '(^|\.)(localhost|local|internal|localdomain|home\.arpa)$'
    then
        return p_url;
    end if;
    perform core.fail('SR098');
end
$$;

comment on function core.checked_url(text, boolean) is
'An address on the public internet that messages can be sent to; SR098 where it is none: not https, with a password, by number, or of a local network.';
revoke all on function core.checked_url(text, boolean) from public;
grant execute on function core.checked_url(text, boolean) to saferoute_api;
