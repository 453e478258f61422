create or replace function core.find_erased(p_user_digest text) returns uuid
language plpgsql stable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_entry core.user_data;
    v_user_id uuid;
begin
    for v_entry in select d.* from core.user_data as d order by d.erase_order desc loop
        execute format(
            'select t.%1$I from %2$s as t where core.user_digest(t.%1$I) = $1 limit 1', v_entry.user_column, v_entry.relation
        ) into v_user_id using p_user_digest;
        exit when v_user_id is not null;
    end loop;
    return v_user_id;
end
$$;

comment on function core.find_erased(text) is
'The person whose receipt bears this digest, in a database that was restored from a backup older than the erasure; null where nothing of them is there. Reads every table.';
revoke all on function core.find_erased(text) from public;
