create or replace function core.note_periods(p_parent regclass) returns void
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
begin
    delete from core.known_periods as k
    where k.parent = p_parent and not exists (select from pg_catalog.pg_class as c where c.oid = k.period);
    -- A table that stands outside the set is kept in mind until it is dropped, whatever took its place.
    insert into core.known_periods as k (parent, lower_bound, upper_bound, period)
    select p_parent, p.lower_bound, p.upper_bound, p.period from core.periods(p_parent) as p
    on conflict (parent, lower_bound) do update
    set upper_bound = excluded.upper_bound, period = excluded.period
    where (k.upper_bound, k.period) is distinct from (excluded.upper_bound, excluded.period)
        and exists (select from pg_catalog.pg_inherits as i where i.inhrelid = k.period);
end
$$;

comment on function core.note_periods(regclass) is
'Bring core.known_periods up to date: note what is attached, whoever made it, and forget tables that are gone.';
revoke all on function core.note_periods(regclass) from public;
