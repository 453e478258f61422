create or replace function core.refresh_city_risk(p_city_id integer, p_change_ids bigint[]) returns bigint
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = force_custom_plan
as $$
declare
    v_area geometry := (
        select core.expand_metres(c.walkable_bounds, 250) from core.cities as c where c.city_id = p_city_id
    );
    v_has_changes boolean := exists (
        select from core.crime_changes as c where c.change_id = any(p_change_ids) and c.geom && v_area
    );
    v_edge_ids bigint[];
    v_published bigint := 0;
begin
    if v_has_changes then
        v_edge_ids := core.add_crimes(p_city_id, p_change_ids);
    end if;
    -- A city made anew has no coverage yet, so all its links are compared.
    if core.refresh_coverage(p_city_id) then
        v_published := core.publish_risk(p_city_id, null);
    elsif v_has_changes then
        v_published := core.publish_risk(p_city_id, v_edge_ids);
    else
        return 0;
    end if;
    perform core.refresh_risk_factors(p_city_id);
    return v_published;
end
$$;

comment on function core.refresh_city_risk(integer, bigint[]) is
'Add these rows of core.crime_changes to a city and follow its coverage; where either changed anything, publish the links and factors. The number of links changed.';
revoke all on function core.refresh_city_risk(integer, bigint[]) from public;
