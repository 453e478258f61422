create or replace function core.refresh_city_risk(
    p_city_id integer, p_change_ids bigint[], out is_rebuilt boolean, out is_exact boolean, out published_links bigint
)
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
begin
    published_links := 0;
    is_exact := true;
    -- Where nobody has reported yet all is unknown: the sums, 10 s of CPU for 98,000 links on busy cores, wait for the first source.
    is_rebuilt := exists (select from core.city_risk as r where r.city_id = p_city_id)
        or exists (select from core.crime_coverage as c where c.city_id = p_city_id and not isempty(c.covered_period));
    if not is_rebuilt then
        return;
    end if;
    is_rebuilt := not (core.is_city_risk_current(p_city_id) and core.is_city_risk_exact(p_city_id));
    if is_rebuilt then
        perform core.rebuild_city_risk(p_city_id);
    end if;
    if v_has_changes then
        v_edge_ids := core.add_crimes(p_city_id, p_change_ids);
        is_exact := core.is_city_risk_exact(p_city_id);
    end if;
    if not is_exact then
        return;
    end if;
    -- A city made anew has no coverage yet, so all its links are compared.
    if core.refresh_coverage(p_city_id) then
        published_links := core.publish_risk(p_city_id, null);
    elsif v_has_changes then
        published_links := core.publish_risk(p_city_id, v_edge_ids);
    else
        return;
    end if;
    perform core.refresh_risk_factors(p_city_id);
end
$$;

comment on function core.refresh_city_risk(integer, bigint[]) is
'Make the sums of a city anew where they are not current or not exact, add these rows of core.crime_changes, follow the coverage, and publish what changed. Not exact: so much was taken away that the sums have to be made anew once the changes are gone from core.crime_changes; nothing is published then.';
revoke all on function core.refresh_city_risk(integer, bigint[]) from public;
