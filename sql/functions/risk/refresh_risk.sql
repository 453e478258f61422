create or replace function core.refresh_risk(
    out rebuilt_cities integer, out applied_changes bigint, out published_links bigint
)
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_change_ids bigint[];
    v_city_id integer;
begin
    -- One refresh at a time, to the end of its transaction: the next one sees all that this one wrote.
    perform pg_advisory_xact_lock(hashtext('core.refresh_risk'));
    -- Exactly the changes that are visible now: one that commits later waits for the next refresh.
    v_change_ids := array(select c.change_id from core.crime_changes as c);
    rebuilt_cities := 0;
    published_links := 0;
    for v_city_id in select c.city_id from core.cities as c order by c.city_id loop
        if not core.is_city_risk_current(v_city_id) then
            perform core.rebuild_city_risk(v_city_id);
            rebuilt_cities := rebuilt_cities + 1;
        end if;
        published_links := published_links + core.refresh_city_risk(v_city_id, v_change_ids);
    end loop;
    delete from core.crime_changes as c where c.change_id = any(v_change_ids);
    applied_changes := cardinality(v_change_ids);
end
$$;

comment on function core.refresh_risk() is
'Bring the risk of every city up to date with its crimes, categories, coverage and map: adds what changed, makes anew what cannot be added. Counts cities made anew, crimes added or taken away, and links whose published risk changed.';
revoke all on function core.refresh_risk() from public;
