create or replace function core.refresh_coverage(p_city_id integer) returns boolean
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_areas geometry[];
    v_digest text;
begin
    select array_agg(c.area order by c.coverage_id), coalesce(md5(string_agg(md5(st_asbinary(c.area)), '' order by c.coverage_id)), '')
    into v_areas, v_digest
    from core.crime_coverage as c
    where c.city_id = p_city_id and not isempty(c.covered_period);
    if v_digest is not distinct from (select r.coverage_digest from core.city_risk as r where r.city_id = p_city_id) then
        return false;
    end if;

    with middles as (
        select e.edge_id, coalesce(st_covers(a.area, st_lineinterpolatepoint(e.geom, 0.5)), false) as is_covered
        from core.road_edges as e
        cross join (select st_union(u.area) as area from unnest(v_areas) as u (area)) as a
        where e.city_id = p_city_id
    )
    update core.edge_risk as r
    set is_covered = m.is_covered
    from middles as m
    where r.edge_id = m.edge_id and r.is_covered <> m.is_covered;

    update core.city_risk as r set coverage_digest = v_digest where r.city_id = p_city_id;
    return true;
end
$$;

comment on function core.refresh_coverage(integer) is
'Mark the edges of a city whose middle lies in the area of a source with a period; whether the areas had changed. Without any area every edge is unknown.';
revoke all on function core.refresh_coverage(integer) from public;
