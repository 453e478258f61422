create or replace function core.reject_content(p_header text[], p_fields text[]) returns jsonb
language sql immutable strict parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select case
    when cardinality(p_fields) = cardinality(p_header)
        and cardinality(p_header) = (select count(distinct u.name) from unnest(p_header) as u (name))
        then jsonb_object(p_header, p_fields)
    else jsonb_build_object('fields', p_fields)
end
$$;

comment on function core.reject_content(text[], text[]) is
'A row of a crime file as core.crime_rejects keeps it: header to field, or {"fields": [...]} where their numbers differ or two columns have one name.';
revoke all on function core.reject_content(text[], text[]) from public;
