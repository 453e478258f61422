create or replace function core.rebuild_city_risk(p_city_id integer) returns void
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_sampled_map text := (select r.map_digest from core.city_risk as r where r.city_id = p_city_id);
begin
    delete from core.hour_weights as h where h.city_id = p_city_id;
    delete from core.part_weights as p where p.city_id = p_city_id;
    delete from core.city_risk as r where r.city_id = p_city_id;
    insert into core.city_risk (city_id, map_digest, categories, oldest_period, absent_periods)
    select p_city_id, i.map_digest, i.categories, i.oldest_period, core.absent_periods('core.crime_data')
    from core.city_risk_inputs(p_city_id) as i;
    if v_sampled_map = (select r.map_digest from core.city_risk as r where r.city_id = p_city_id) then
        update core.edge_risk as e
        set all_density = 0, street_density = 0
        where e.city_id = p_city_id and (e.all_density <> 0 or e.street_density <> 0);
    else
        perform core.sample_edges(p_city_id);
    end if;
    perform core.add_crimes(p_city_id, null);
end
$$;

comment on function core.rebuild_city_risk(integer) is
'Make the risk sums of a city from its map and all its crimes, without what is pending in core.crime_changes.';
revoke all on function core.rebuild_city_risk(integer) from public;
