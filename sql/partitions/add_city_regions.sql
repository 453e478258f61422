create or replace function core.add_city_regions(p_city_id integer) returns bigint
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_city core.cities;
    v_set record;
    v_moved bigint := 0;
begin
    select * into strict v_city from core.cities where city_id = p_city_id;
    insert into core.regions (prefix, label)
    select u.prefix, v_city.name
    from unnest(core.geohash_cover(v_city.walkable_bounds, 4)) as u (prefix)
    where not exists (
        select from core.regions as r
        where starts_with(r.prefix, u.prefix) or starts_with(u.prefix, r.prefix)
    );
    for v_set in
        select p.period, p.lower_bound, p.upper_bound, s.parent
        from core.partition_sets as s, core.periods(s.parent) as p
    loop
        v_moved := v_moved + coalesce((
            select sum(core.add_leaf(v_set.period, u.prefix))
            from unnest(core.regions_with_data(v_set.parent, v_set.lower_bound, v_set.upper_bound)) as u (prefix)
        ), 0);
    end loop;
    return v_moved;
end
$$;

comment on function core.add_city_regions(integer) is
'Add the geohash-4 cover of a city''s walkable bounds to core.regions, and a leaf to each period that has rows there; the number of rows moved out of default leaves.';
revoke all on function core.add_city_regions(integer) from public;
