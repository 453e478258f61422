create or replace function core.explain_point(p_quarantine_id bigint, out problem text, out sentence text, out changes json)
language plpgsql stable strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_kept core.point_quarantine;
    v_json json;
    v_journey core.journeys;
    v_point record;
begin
    select q.* into v_kept from core.point_quarantine as q where q.quarantine_id = p_quarantine_id;
    if not found then
        raise exception using errcode = 'no_data_found', message = format('point:%s is not in the quarantine', p_quarantine_id);
    end if;
    v_json := coalesce(v_kept.fixed, v_kept.point);
    problem := core.recheck_point(v_kept, core.period_times('core.journey_points'));
    if problem is null then
        sentence := 'It can be stored now.';
        return;
    elsif problem = 'journey' then
        sentence := format('Its journey, %s, is no more.', v_kept.journey_id);
        return;
    elsif problem = 'unreadable' then
        sentence := core.unreadable_in(v_json);
        return;
    end if;

    select j.* into strict v_journey from core.journeys as j where j.journey_id = v_kept.journey_id;
    select p.* into v_point from core.read_points(json_build_array(v_json)) as p;
    sentence := case problem
        when 'time' then core.unlikely_time_in(v_json, v_point.recorded_at, v_kept.received_at)
        when 'ended' then format(
            'It was recorded %s after the end of its journey (%s UTC).', core.in_words(v_point.recorded_at - v_journey.ended_at),
            to_char(v_journey.ended_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')
        )
        when 'position' then format(
            'lon is %s, lat is %s; on Earth lon is -180 to 180, lat -90 to 90.',
            coalesce(v_point.lon::text, 'missing'), coalesce(v_point.lat::text, 'missing')
        )
        when 'far' then format(
            'It is %s km from where its journey began; about 300 km are accepted.',
            to_char(st_distance(st_point(v_point.lon, v_point.lat, 4326)::geography, v_journey.origin::geography) / 1000, 'FM999,999')
        )
        when 'period' then core.missing_period(v_point.recorded_at)
    end;
    changes := case
        when problem = 'time' and core.counted_time(v_json, v_kept.received_at) is not null
            then json_build_object('recorded_at', to_char(
                core.counted_time(v_json, v_kept.received_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
        when problem in ('position', 'far') and core.is_swapped(v_kept)
            then json_build_object('lon', v_json -> 'lat', 'lat', v_json -> 'lon')
    end;
    sentence := sentence || case
        when changes is null then ''
        when problem = 'time' then ' Counted from 1970, it would be plausible.'
        else ' Its longitude and latitude look swapped.'
    end;
end
$$;

comment on function core.explain_point(bigint) is
'What is wrong with a quarantined point now: the reason (null where it can be stored; journey where that is gone), a sentence with its values against the limits, and the change that would help where one is known.';
revoke all on function core.explain_point(bigint) from public;
