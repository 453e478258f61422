create or replace function core.uuid_v7() returns uuid
language sql volatile parallel safe security invoker
as $$
select encode(
    -- Version 7 in bits 48 to 51, which a random UUID has as 0100; the variant is there already.
    set_bit(set_bit(
        overlay(
            uuid_send(gen_random_uuid())
            placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6
        ), 52, 1
    ), 53, 1), 'hex'
)::uuid
$$;

comment on function core.uuid_v7() is
'A new UUID of version 7: milliseconds, then 74 random bits. For rows that the server names; apps make their own.';
revoke all on function core.uuid_v7() from public;
grant execute on function core.uuid_v7() to saferoute_api, saferoute_auth, saferoute_tasks;
