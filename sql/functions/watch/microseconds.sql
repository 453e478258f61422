create or replace function core.microseconds(p_at timestamptz) returns bigint
language sql immutable parallel safe security invoker
as $$
select (extract(epoch from p_at) * 1000000)::bigint
$$;

comment on function core.microseconds(timestamptz) is
'Microseconds since 1970: the seq of what happens on a walk. Inlined, so it has no search_path of its own.';
revoke all on function core.microseconds(timestamptz) from public;
grant execute on function core.microseconds(timestamptz) to saferoute_api, saferoute_tasks, saferoute_live;
