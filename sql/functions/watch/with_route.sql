create or replace function core.with_route(
    p_watch core.watches, p_journey core.journeys, p_route text, p_deviation_m real
) returns core.watches
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_route geometry;
    v_srid integer;
    v_destination geometry;
begin
    if p_route is not null then
        v_route := core.read_route(p_route);
        if not st_startpoint(v_route)::point <@ core.journey_reach(p_journey) then
            perform core.fail('SR018', 'route begins over 300 km from where the walk did');
        end if;
    end if;
    if p_watch.last_seq = 0 or v_route is distinct from p_watch.route then
        v_srid := core.metric_srid(coalesce(st_startpoint(v_route), p_journey.origin));
        v_destination := coalesce(p_journey.destination, st_endpoint(v_route));
        p_watch.route := v_route;
        -- 2 m are less than any phone knows, and a route of many positions is compared with every point.
        p_watch.route_m := st_simplify(st_transform(v_route, v_srid), 2);
        p_watch.destination_m := st_transform(v_destination, v_srid);
        p_watch.off_route_since := null;
        p_watch.off_route_points := 0;
        p_watch.strayed_at := null;
        p_watch.is_straying_known := false;
    end if;
    p_watch.deviation_m := case when v_route is not null then p_deviation_m end;
    return p_watch;
end
$$;

comment on function core.with_route(core.watches, core.journeys, text, real) is
'A watch with this planned way (GeoJSON or encoded polyline; null: none), also in metres, and with where it leads to: the destination of the walk, or the end of the way where the walk has none.';
revoke all on function core.with_route(core.watches, core.journeys, text, real) from public;
grant execute on function core.with_route(core.watches, core.journeys, text, real) to saferoute_api;
