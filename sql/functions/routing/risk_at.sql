create or replace function core.risk_at(p_position geometry, p_at timestamptz) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_city core.cities;
    v_nearest record;
    v_terms record;
    v_link core.road_links;
    v_is_known boolean;
    v_period tstzrange;
begin
    perform core.check_time(p_at);
    v_city := core.city_at(p_position);
    v_nearest := core.snap_position(v_city, p_position);
    v_terms := core.risk_terms(v_city.city_id, p_at);
    select l.* into v_link from core.road_links as l where l.edge_id = v_nearest.edge_id;
    v_is_known := v_link.all_density is not null;
    v_period := core.city_data_period(v_city.city_id);
    return json_build_object(
        'risk', case
            when v_is_known then round(core.link_risk(
                v_link.all_density, v_link.street_density, v_link.neighbourhood,
                v_terms.all_factors, v_terms.street_factors, v_terms.mean_risk)::numeric, 4)
        end,
        'is_known', v_is_known,
        'city_mean_risk', case when v_period is not null then round(v_terms.mean_risk::numeric, 4) end,
        'street', (select core.street_name(e.name, e.highway) from core.road_edges as e where e.edge_id = v_nearest.edge_id),
        'distance_m', round(v_nearest.distance_m::numeric, 1),
        'city', v_city.name,
        'local_time', to_char(p_at at time zone v_city.time_zone, 'YYYY-MM-DD"T"HH24:MI'),
        'data_from', lower(v_period),
        'data_until', upper(v_period)
    );
end
$$;

comment on function core.risk_at(geometry, timestamptz) is
'The risk (0 to 1) of the street nearest to a position (EPSG:4326) at a time; null, with is_known false, where no source reports. SR011 beyond 300 m of any street.';
revoke all on function core.risk_at(geometry, timestamptz) from public;
grant execute on function core.risk_at(geometry, timestamptz) to saferoute_api, saferoute_tasks;
