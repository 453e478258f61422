create or replace function core.add_city_regions(p_city_id integer) returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_city core.cities;
    v_added bigint;
begin
    select * into strict v_city from core.cities where city_id = p_city_id;
    -- No leaves here: an import would hold their locks to its end. New periods get them, core.fill_plan names the others.
    insert into core.regions (prefix, label)
    select u.prefix, v_city.name
    from unnest(core.geohash_cover(v_city.walkable_bounds, 4)) as u (prefix)
    where not exists (
        select from core.regions as r
        where starts_with(r.prefix, u.prefix) or starts_with(u.prefix, r.prefix)
    );
    get diagnostics v_added = row_count;
    return v_added;
end
$$;

comment on function core.add_city_regions(integer) is
'Add the geohash-4 cover of a city''s walkable bounds to core.regions; how many were new. Rows already there stay in default leaves until `saferoute partitions regions fill`.';
revoke all on function core.add_city_regions(integer) from public;
