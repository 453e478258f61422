create or replace function core.describe_user_data()
returns table (relation regclass, name text, has_geometry boolean, description text, fields json)
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select
    d.relation,
    c.relname,
    core.geometry_column(d.relation) is not null,
    d.description,
    (
        select json_object_agg(a.attname, pg_catalog.col_description(a.attrelid, a.attnum) order by a.attnum)
        from pg_catalog.pg_attribute as a
        where a.attrelid = d.relation and a.attnum > 0 and not a.attisdropped and a.attname <> all(d.secrets)
    )
from core.user_data as d
inner join pg_catalog.pg_class as c on d.relation = c.oid
order by d.erase_order desc
$$;

comment on function core.describe_user_data() is
'The tables of an export with the meaning of their fields, which is that of the column comments.';
revoke all on function core.describe_user_data() from public;
