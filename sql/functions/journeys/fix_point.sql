create or replace function core.fix_point(p_quarantine_id bigint, p_changes json) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_kept core.point_quarantine;
    v_unknown text;
begin
    select q.* into v_kept from core.point_quarantine as q where q.quarantine_id = p_quarantine_id for update;
    if not found then
        raise exception using errcode = 'no_data_found', message = format('point:%s is not in the quarantine', p_quarantine_id);
    end if;
    select string_agg(k.name, ', ' order by k.name) into v_unknown
    from json_object_keys(p_changes) as k (name)
    where k.name not in ('recorded_at', 'lon', 'lat', 'speed_mps', 'accuracy_m', 'battery_pct');
    if v_unknown is not null then
        raise exception using errcode = 'invalid_parameter_value', message = format(
            'a point has no %s; it has recorded_at, lon, lat, speed_mps, accuracy_m, battery_pct', v_unknown
        );
    end if;
    v_kept.fixed := core.changed_point(v_kept, p_changes);
    if core.recheck_point(v_kept, null) = 'unreadable' then
        -- Without the values: this message is logged.
        raise exception using errcode = 'invalid_parameter_value', message = format('point:%s cannot be read with these values', p_quarantine_id);
    end if;
    update core.point_quarantine as q set
        fixed = v_kept.fixed,
        recorded_at = (select p.recorded_at from core.read_points(json_build_array(v_kept.fixed)) as p)
    where q.quarantine_id = p_quarantine_id;
end
$$;

comment on function core.fix_point(bigint, json) is
'Set values of a quarantined point, on top of earlier fixes; what came stays in point. Refused where the result cannot be read.';
revoke all on function core.fix_point(bigint, json) from public;
