create or replace function analytics.smallest_group() returns integer
language sql immutable parallel safe security invoker
as $$ select 5 $$;

comment on function analytics.smallest_group() is
'The k of k-anonymity, for every view of this schema: a group of fewer is left out, never rounded.';
revoke all on function analytics.smallest_group() from public;
grant execute on function analytics.smallest_group() to analyst;
