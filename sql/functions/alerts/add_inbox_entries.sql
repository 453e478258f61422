create or replace function core.add_inbox_entries(p_entries core.inbox_entries[]) returns void
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_last jsonb;
    v_entries core.inbox_entries [];
begin
    if cardinality(p_entries) = 0 then
        return;
    end if;
    -- In order of their ids: whoever tells several at once waits, and never for somebody who waits for them.
    with inboxes as (
        insert into core.inboxes as i (user_id, last_sequence)
        select e.user_id, count(*)
        from unnest(p_entries) as e
        group by e.user_id
        order by e.user_id
        on conflict (user_id) do update set last_sequence = i.last_sequence + excluded.last_sequence
        returning i.user_id, i.last_sequence
    )

    select jsonb_object_agg(i.user_id, i.last_sequence) into v_last from inboxes as i;
    with numbered as (
        select
            e.*,
            (v_last ->> e.user_id::text)::bigint + 1
            - row_number() over (partition by e.user_id order by e.place desc) as seq
        from unnest(p_entries) with ordinality as e (
            user_id, sequence, alert_id, walker_id, event, message, told_at, place
        )
    )

    select array_agg(
        row(
            n.user_id, n.seq, n.alert_id, n.walker_id, n.event,
            n.message || jsonb_build_object('topic', 'user:' || n.user_id, 'seq', n.seq), n.told_at
        )::core.inbox_entries order by n.place
    ) into v_entries
    from numbered as n;
    insert into core.inbox_entries select e.* from unnest(v_entries) as e;
    perform core.publish('user:' || e.user_id, e.message::json) from unnest(v_entries) as e;
end
$$;

comment on function core.add_inbox_entries(core.inbox_entries[]) is
'Number what accounts are to be told, put it into their inboxes, and have it published. The rows of the inboxes stay locked until the transaction ends, so that nobody sees a number before all smaller ones: call it once, late.';
revoke all on function core.add_inbox_entries(core.inbox_entries[]) from public;
grant execute on function core.add_inbox_entries(core.inbox_entries[]) to saferoute_api, saferoute_tasks;
