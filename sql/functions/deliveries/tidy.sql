create or replace function core.tidy(p_limit integer) returns integer
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_count integer;
    v_removed integer;
begin
    delete from core.inbox_entries as e
    where (e.user_id, e.sequence) in (
        select o.user_id, o.sequence from core.inbox_entries as o
        where o.told_at < now() - interval '30 days' order by o.told_at limit p_limit
    );
    get diagnostics v_removed = row_count;
    delete from core.alert_links as l
    where l.digest = any(array(
        select o.digest from core.alert_links as o where o.made_at < now() - interval '30 days' limit p_limit
    ));
    get diagnostics v_count = row_count;
    return v_removed + v_count;
end
$$;

comment on function core.tidy(integer) is
'Remove what has been kept long enough: entries of inboxes and links to alerts, up to p_limit of each older than 30 days. How many it removed.';
revoke all on function core.tidy(integer) from public;
grant execute on function core.tidy(integer) to saferoute_tasks;
