create or replace function core.my_journeys(p_user_id uuid, p_before timestamptz, p_limit integer) returns json
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
begin
    if not coalesce(p_limit between 1 and 100, false) then
        perform core.fail('SR018', format('limit is 1 to 100, not %s', coalesce(p_limit::text, 'null')));
    end if;
    return (
        select coalesce(json_agg(core.journey_summary(page.journey) order by (page.journey).started_at desc), '[]')
        from (
            select j as journey
            from core.journeys as j
            where j.user_id = p_user_id and j.started_at < coalesce(p_before, 'infinity') and j.erasing_since is null
            order by j.started_at desc
            -- With ties: no journey falls between two pages.
            fetch first p_limit rows with ties
        ) as page
    );
end
$$;

comment on function core.my_journeys(uuid, timestamptz, integer) is
'The person''s journeys that started before p_before (null: all), newest first, p_limit of them and those that started together with the last.';
revoke all on function core.my_journeys(uuid, timestamptz, integer) from public;
grant execute on function core.my_journeys(uuid, timestamptz, integer) to saferoute_api;
