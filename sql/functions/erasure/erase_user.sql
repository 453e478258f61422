create or replace function core.erase_user(p_user_id uuid, p_limit bigint default 5000)
returns table (relation regclass, leaf regclass, removed bigint)
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_erasure_id uuid;
    v_entry core.user_data;
    v_left bigint := p_limit;
begin
    if p_limit < 1 then
        raise exception using errcode = 'invalid_parameter_value', message = format('p_limit is at least 1, not %s', p_limit);
    end if;
    v_erasure_id := core.begin_erasure(p_user_id);
    if exists (
        select from core.erasures as e, jsonb_each(e.archives) as a (file_name, entry)
        where e.erasure_id = v_erasure_id and a.entry ->> 'result' in ('pending', 'rewriting')
    ) then
        -- The journeys say which archives can hold the person: they go last.
        raise exception using
            errcode = 'object_not_in_prerequisite_state',
            message = 'archives that can hold this person have not been dealt with',
            hint = '`saferoute users erase` does; their files are out of reach of SQL.';
    end if;

    for v_entry in select d.* from core.user_data as d order by d.erase_order loop
        for leaf, removed in
            execute case
                when v_entry.erase_with is null then 'select $3, core.erase_rows($3, $4, $1, $2)'
                else format('select e.leaf, e.removed from core.%I($1, $2) as e', v_entry.erase_with)
            end using p_user_id, v_left, v_entry.relation, v_entry.user_column
        loop
            continue when removed = 0;
            relation := v_entry.relation;
            return next;
            perform core.note_removed(v_erasure_id, relation, removed);
            v_left := v_left - removed;
        end loop;
        exit when v_left <= 0;
    end loop;
end
$$;

comment on function core.erase_user(uuid, bigint) is
'One step of an erasure: remove up to p_limit rows of a person, table by table as core.user_data orders them, and count them in the open receipt; what was removed from where, no row when nothing is left. A step that is cut off undoes itself.';
revoke all on function core.erase_user(uuid, bigint) from public;
