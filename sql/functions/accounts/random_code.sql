create or replace function core.random_code() returns text
language sql volatile parallel safe security invoker
as $$
-- 122 random bits, of which 20 are kept.
select lpad((('x' || left(encode(sha256(uuid_send(gen_random_uuid())), 'hex'), 15))::bit(60)::bigint % 1000000)::text, 6, '0')
$$;

comment on function core.random_code() is
'Six random digits.';
revoke all on function core.random_code() from public;
grant execute on function core.random_code() to saferoute_api, saferoute_auth;
