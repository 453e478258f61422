create or replace function core.begin_crime_import(p_city text) returns integer
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_city_id integer;
begin
    select c.city_id into v_city_id from core.cities as c where c.name = p_city;
    if not found then
        raise exception using errcode = 'no_data_found', message = format(
            'there is no city %L; imported are: %s', p_city,
            coalesce((select string_agg(c.name, ', ' order by c.name) from core.cities as c), 'none')
        );
    end if;
    -- One import at a time, of maps too: the second then sees what the first has loaded.
    perform pg_advisory_xact_lock(hashtext('saferoute import'));
    return v_city_id;
end
$$;

comment on function core.begin_crime_import(text) is
'Wait for any other import to end, and hold others off until this transaction does; the id of the city of that name.';
revoke all on function core.begin_crime_import(text) from public;
