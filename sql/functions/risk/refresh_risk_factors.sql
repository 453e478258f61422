create or replace function core.refresh_risk_factors(p_city_id integer) returns void
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
set jit = off
as $$
declare
    v_all_scale float8;
    v_street_scale float8;
    v_reference float8;
    v_links bigint;
begin
    -- Half all crime, half street violence, each of total weight 1; all crime alone where there is no street violence.
    select
        case when s.street_weight > 0 then 0.5 else 1 end / nullif(s.all_weight, 0),
        coalesce(0.5 / nullif(s.street_weight, 0), 0)
    into v_all_scale, v_street_scale
    from (
        select sum(h.weight) as all_weight, sum(h.weight) filter (where h.is_street_violence) as street_weight
        from core.hour_weights as h
        where h.city_id = p_city_id
    ) as s;

    select
        count(*),
        coalesce(nullif(percentile_cont(0.95) within group (order by b.density), 0), nullif(max(b.density), 0))
    into v_links, v_reference
    from (
        select l.all_density * v_all_scale + l.street_density * v_street_scale as density
        from core.road_links as l
        where l.city_id = p_city_id and l.all_density is not null
    ) as b;

    -- What is new joins what the sums were made from; what differs stays, for the next refresh to see.
    update core.city_risk as r
    set
        categories = i.categories || r.categories,
        oldest_period = least(r.oldest_period, i.oldest_period),
        reference_density = v_reference,
        refreshed_at = now()
    from core.city_risk_inputs(p_city_id) as i
    where r.city_id = p_city_id;
    delete from core.risk_factors as f where f.city_id = p_city_id;
    if v_reference is not null then
        perform core.write_risk_factors(
            p_city_id, v_all_scale / v_reference, v_street_scale / v_reference, greatest(1, v_links / 2000)
        );
    end if;
end
$$;

comment on function core.refresh_risk_factors(integer) is
'Make core.risk_factors of a city from its hour profiles and from the densities published in core.road_links. Where nothing is known there are none.';
revoke all on function core.refresh_risk_factors(integer) from public;
