create or replace function core.inboxes_since(p_user_ids uuid[], p_seqs bigint[])
returns table (user_id uuid, sequence bigint, message text)
language sql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select e.user_id, e.sequence, e.message::text
from unnest(p_user_ids, p_seqs) as u (user_id, seq)
cross join lateral (
    select i.*
    from core.inbox_entries as i
    where i.user_id = u.user_id and i.sequence > u.seq
    order by i.sequence
    limit 100
) as e
$$;

comment on function core.inboxes_since(uuid[], bigint[]) is
'Of each inbox, the entries after that sequence, in order, the oldest 100 of them: messages as their accounts are sent them.';
revoke all on function core.inboxes_since(uuid[], bigint[]) from public;
grant execute on function core.inboxes_since(uuid[], bigint[]) to saferoute_live;
