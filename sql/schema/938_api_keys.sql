create or replace view ops.api_keys as
select
    k.api_key_id,
    'sr_' || left(replace(k.api_key_id::text, '-', ''), 8) as prefix,
    k.name,
    k.contact,
    k.scopes,
    case
        when k.revoked_at is not null then 'revoked'
        when k.expires_at <= now() then 'expired'
        else 'valid'
    end as state,
    k.created_at,
    k.expires_at,
    k.revoked_at,
    k.last_used_at,
    array(
        select format('%s=%s/%s', l.class, l.amount, l.window_s)
        from core.rate_limits as l
        where l.api_key_id = k.api_key_id
        order by l.class
    ) as limits
from core.api_keys as k;
comment on view ops.api_keys is 'Every API key there has been. ops.create_api_key makes one, ops.limit_api_key limits it, ops.revoke_api_key ends it.';
comment on column ops.api_keys.prefix is 'How the key begins: tells it where one is found in a log or a repository.';
comment on column ops.api_keys.limits is 'Limits of its own, class=calls/seconds; core.rate_limits has those of all keys.';
comment on column ops.api_keys.state is 'valid, expired or revoked.';
grant select on ops.api_keys to operator;

drop trigger if exists _100_notify on core.api_keys;
create trigger _100_notify
after insert or delete or update of digest, scopes, expires_at, revoked_at on core.api_keys
for each statement execute function core.tg_catalogue__notify();
