create or replace function core.uploads_key(p_user_id uuid) returns bigint
language sql immutable strict parallel safe security invoker
as $$
select uuid_hash_extended(p_user_id, 52)
$$;

comment on function core.uploads_key(uuid) is
'The advisory lock that uploads of a person share, and their erasure takes alone for a moment. Inlined, so it has no search_path of its own.';
revoke all on function core.uploads_key(uuid) from public;
grant execute on function core.uploads_key(uuid) to saferoute_api, saferoute_ingest;
