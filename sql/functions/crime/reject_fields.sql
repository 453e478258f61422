create or replace function core.reject_fields(p_reject core.crime_rejects, p_header text[]) returns text[]
language sql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
select coalesce(
    p_reject.fixed,
    case
        when jsonb_typeof(p_reject.content -> 'fields') = 'array'
            then array(select e.field from jsonb_array_elements_text(p_reject.content -> 'fields') with ordinality as e (field, nth) order by e.nth)
        else array(select p_reject.content ->> u.name from unnest(p_header) with ordinality as u (name, nth) order by u.nth)
    end
)
$$;

comment on function core.reject_fields(core.crime_rejects, text[]) is
'The fields of a rejected row in the order of the file, as they were fixed or else as they came.';
revoke all on function core.reject_fields(core.crime_rejects, text[]) from public;
