create or replace function core.refresh_risk(
    out rebuilt_cities integer, out applied_changes bigint, out published_links bigint
)
language plpgsql volatile security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_change_ids bigint[];
    v_inexact integer[] := '{}';
    v_city record;
begin
    -- One refresh at a time, to the end of its transaction: the next one sees all that this one wrote.
    perform pg_advisory_xact_lock(hashtext('core.refresh_risk'));
    -- Exactly the changes that are visible now: one that commits later waits for the next refresh.
    v_change_ids := array(select c.change_id from core.crime_changes as c);
    applied_changes := cardinality(v_change_ids);
    rebuilt_cities := 0;
    published_links := 0;
    for v_city in
        select c.city_id, r.*
        from core.cities as c cross join lateral core.refresh_city_risk(c.city_id, v_change_ids) as r
        order by c.city_id
    loop
        rebuilt_cities := rebuilt_cities + v_city.is_rebuilt::integer;
        published_links := published_links + v_city.published_links;
        if not v_city.is_exact then
            v_inexact := v_inexact || v_city.city_id;
        end if;
    end loop;
    delete from core.crime_changes as c where c.change_id = any(v_change_ids);
    rebuilt_cities := rebuilt_cities + cardinality(v_inexact);
    published_links := published_links + coalesce((
        select sum(r.published_links)
        from unnest(v_inexact) as i (city_id) cross join lateral core.refresh_city_risk(i.city_id, '{}') as r
    ), 0);
end
$$;

comment on function core.refresh_risk() is
'Bring the risk of every city up to date with its crimes, categories, coverage and map: adds what changed, makes anew what cannot be added. Counts cities made anew, crimes added or taken away, and links whose published risk changed.';
revoke all on function core.refresh_risk() from public;
