create or replace function core.child_prefixes(p_prefix text) returns text[]
language sql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select array_agg(p_prefix || c order by c collate "C")
from unnest(string_to_array('0123456789bcdefghjkmnpqrstuvwxyz', null)) as c
$$;

comment on function core.child_prefixes(text) is 'The 32 geohash prefixes that are one character longer.';
revoke all on function core.child_prefixes(text) from public;
