create or replace function core.alerts_since(p_user_id uuid, p_seq bigint) returns json
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select json_build_object(
    'alerts', coalesce((
        select json_agg(e.message order by e.sequence)
        from (
            select n.message, n.sequence
            from core.inbox_entries as n
            where n.user_id = p_user_id and n.sequence > coalesce(p_seq, 0)
            order by n.sequence
            limit 500
        ) as e
    ), '[]'),
    'last_seq', coalesce((select i.last_sequence from core.inboxes as i where i.user_id = p_user_id), 0)
)
$$;

comment on function core.alerts_since(uuid, bigint) is
'What an account was told of alerts after p_seq, up to 500 entries, oldest first, and the number of the newest there is.';
revoke all on function core.alerts_since(uuid, bigint) from public;
grant execute on function core.alerts_since(uuid, bigint) to saferoute_api;
