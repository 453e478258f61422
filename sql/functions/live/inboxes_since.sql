create or replace function live.inboxes_since(p_user_ids uuid[], p_seqs bigint[]) returns table (user_id uuid, sequence bigint, message text)
language sql stable parallel safe security definer
set search_path = core, public, pg_temp
as $$
select s.user_id, s.sequence, s.message from core.inboxes_since(p_user_ids, p_seqs) as s
$$;

comment on function live.inboxes_since(uuid[], bigint[]) is
'Of each account, what it was told of alerts after that sequence, in order, at most 100 messages: one question for all whom a gateway serves.';
alter function live.inboxes_since(uuid[], bigint[]) owner to saferoute_live;
revoke all on function live.inboxes_since(uuid[], bigint[]) from public;
grant execute on function live.inboxes_since(uuid[], bigint[]) to authenticator;
