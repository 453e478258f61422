create or replace function core.export_user_data(
    p_table regclass, p_user_column text, p_user_id uuid, p_archive text default null
) returns setof text
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
declare
    v_geometry text := core.geometry_column(p_table);
    v_columns text;
    v_source text := coalesce(
        (select format('core.%I', d.shown_as) from core.user_data as d where d.relation = p_table and d.shown_as is not null),
        format('only %s', p_table)
    );
begin
    -- A second geometry is a property: without the `crs` that a cast to JSON gives it, which RFC 7946 does away with.
    select string_agg(
        case
            when a.atttypid = 'geometry'::regtype and a.attname <> v_geometry
                then format('st_asgeojson(x.%1$I, 9)::json as %1$I', a.attname)
            else format('x.%I', a.attname)
        end, ', ' order by a.attnum
    ) into v_columns
    from pg_catalog.pg_attribute as a
    where a.attrelid = p_table and a.attnum > 0 and not a.attisdropped and not exists (
        select from core.user_data as d where d.relation = p_table and a.attname = any(d.secrets)
    );
    return query execute format(
        'select %s from (select %s, $2 as archive from %s as x where x.%I = $1) as t',
        case when v_geometry is null then 'row_to_json(t)::text' else format('st_asgeojson(t, %L, 9)', v_geometry) end,
        v_columns, v_source, p_user_column
    ) using p_user_id, p_archive;
end
$$;

comment on function core.export_user_data(regclass, text, uuid, text) is
'The rows of a person in one table, each as JSON: a GeoJSON Feature (WGS 84, longitude first) where the table has a geometry, an object where not. Without the columns that are secrets, and from the view that core.user_data names in place of the table. Each has a key `archive`: the file it stands in, null where it stands in the database.';
revoke all on function core.export_user_data(regclass, text, uuid, text) from public;
