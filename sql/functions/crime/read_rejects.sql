create or replace function core.read_rejects(p_load core.crime_loads, p_reject_ids bigint[], p_is_swapped boolean default false) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_city core.cities;
    v_lon integer := p_load.columns ->> 'lon';
    v_lat integer := p_load.columns ->> 'lat';
begin
    select c.* into strict v_city from core.cities as c where c.city_id = p_load.city_id;
    delete from core.crime_candidates;
    delete from core.crime_staging;
    insert into core.crime_staging (line_number, fields)
    select
        r.reject_id,
        case
            when p_is_swapped then array(
                select f.fields[case u.nth when v_lon then v_lat when v_lat then v_lon else u.nth end]
                from unnest(f.fields) with ordinality as u (field, nth) order by u.nth
            )
            else f.fields
        end
    from core.crime_rejects as r, core.reject_fields(r, p_load.header) as f (fields)
    where r.load_id = p_load.load_id and r.reject_id = any(p_reject_ids) and r.settled_at is null;
    perform core.read_crimes(v_city, p_load);
end
$$;

comment on function core.read_rejects(core.crime_loads, bigint[], boolean) is
'Read waiting rejects of a load again, with the same eyes: core.crime_candidates then says of each (line_number is its reject_id) whether it can be loaded. The caller empties core.crime_candidates and core.crime_staging. p_is_swapped exchanges the two coordinates.';
revoke all on function core.read_rejects(core.crime_loads, bigint[], boolean) from public;
