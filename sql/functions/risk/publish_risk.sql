create or replace function core.publish_risk(p_city_id integer, p_edge_ids bigint[]) returns bigint
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = force_custom_plan
set jit = off
set random_page_cost = 1.1
as $$
declare
    v_published bigint;
begin
    update core.road_links as l
    set neighbourhood = r.neighbourhood, all_density = r.all_density, street_density = r.street_density
    from (
        select
            e.edge_id,
            e.neighbourhood,
            -- Subtraction may leave -1e-17.
            case when e.is_covered then greatest(0, e.all_density) end as all_density,
            case when e.is_covered then greatest(0, e.street_density) end as street_density
        from core.edge_risk as e
        where e.city_id = p_city_id and (p_edge_ids is null or e.edge_id = any(p_edge_ids))
        -- Neighbours on the map stay neighbours on disk: in another order a search reads eight times the pages.
        order by e.edge_id
    ) as r
    where l.edge_id = r.edge_id
        and (l.neighbourhood, l.all_density, l.street_density)
        is distinct from (r.neighbourhood, r.all_density, r.street_density);
    get diagnostics v_published = row_count;
    return v_published;
end
$$;

comment on function core.publish_risk(integer, bigint[]) is
'Copy the densities of these edges (null: of all) to core.road_links where they differ, null where nobody reports; the number of rows changed.';
revoke all on function core.publish_risk(integer, bigint[]) from public;
