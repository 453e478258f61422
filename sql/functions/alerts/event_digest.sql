create or replace function core.event_digest(
    p_previous bytea, p_number integer, p_event text, p_at timestamptz, p_delivery_id uuid, p_content_digest bytea
) returns bytea
language sql stable parallel safe security invoker
as $$
select sha256(
    p_previous || int4send(p_number) || convert_to(p_event, 'UTF8') || timestamptz_send(p_at)
    || coalesce(uuid_send(p_delivery_id), '') || p_content_digest
)
$$;

comment on function core.event_digest(bytea, integer, text, timestamptz, uuid, bytea) is
'What ties an event to all before it: SHA-256 of their digest, and of number (4 bytes), event, time (microseconds since 2000, 8 bytes), delivery (16 bytes or none) and the digest of its content. Inlined, so it has no search_path of its own.';
revoke all on function core.event_digest(bytea, integer, text, timestamptz, uuid, bytea) from public;
grant execute on function core.event_digest(bytea, integer, text, timestamptz, uuid, bytea) to saferoute_api, saferoute_tasks;
