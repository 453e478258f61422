create or replace function core.fix_reject(p_reject_id bigint, p_changes jsonb) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_reject core.crime_rejects;
    v_load core.crime_loads;
    v_unknown text;
begin
    select r.* into v_reject from core.crime_rejects as r where r.reject_id = p_reject_id and r.settled_at is null for update;
    if not found then
        raise exception using errcode = 'no_data_found', message = format('crime:%s is not in the quarantine', p_reject_id);
    end if;
    select l.* into strict v_load from core.crime_loads as l where l.load_id = v_reject.load_id;
    if v_load.header is null then
        raise exception using errcode = 'invalid_parameter_value',
            message = format('crime:%s was loaded before loads said how they were read: import %s again first', p_reject_id, v_load.file_name);
    end if;
    select string_agg(k.name, ', ' order by k.name) into v_unknown
    from jsonb_object_keys(p_changes) as k (name) where k.name <> all(v_load.header);
    if v_unknown is not null then
        raise exception using errcode = 'invalid_parameter_value', message = format(
            'crime:%s has no %s; its columns are: %s', p_reject_id, v_unknown, array_to_string(v_load.header, ', ')
        );
    end if;
    update core.crime_rejects as r set fixed = array(
        select coalesce(p_changes ->> h.name, f.fields[h.nth], '')
        from unnest(v_load.header) with ordinality as h (name, nth) order by h.nth
    )
    from core.reject_fields(v_reject, v_load.header) as f (fields)
    where r.reject_id = p_reject_id;
end
$$;

comment on function core.fix_reject(bigint, jsonb) is
'Set fields of a waiting reject (column of the header to text), on top of earlier fixes; what came stays in content. A row that is too short is filled up, one that is too long cut.';
revoke all on function core.fix_reject(bigint, jsonb) from public;
