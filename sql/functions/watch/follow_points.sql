create or replace function core.follow_points(
    p_watch core.watches, p_points core.journey_points[], out watch core.watches, out has_arrived boolean
)
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_point core.journey_points;
    v_at_m geometry;
    v_eta_at timestamptz;
    v_doubt_m float8;
    v_away_m float8;
    v_anchor geometry := p_watch.last_position;
    v_anchor_at timestamptz := p_watch.heard_at;
    v_seconds float8;
    v_weight float8;
begin
    watch := p_watch;
    has_arrived := false;
    foreach v_point in array p_points loop
        watch.heard_at := v_point.recorded_at;
        watch.battery_pct := coalesce(v_point.battery_pct, watch.battery_pct);
        -- Nothing is concluded from where a phone may be that does not know it itself.
        continue when v_point.accuracy_m > 200;
        watch.last_position := v_point.geom;
        v_doubt_m := least(coalesce(v_point.accuracy_m, 0), 50);

        v_seconds := extract(epoch from v_point.recorded_at - v_anchor_at);
        if v_anchor is null or v_seconds >= 10 then
            if v_seconds <= 300 then
                v_weight := exp(-v_seconds / 120);
                watch.pace_mps := coalesce(watch.pace_mps, core.walking_speed()) * v_weight
                + st_distancesphere(v_anchor, v_point.geom) / v_seconds * (1 - v_weight);
            end if;
            v_anchor := v_point.geom;
            v_anchor_at := v_point.recorded_at;
        end if;

        continue when watch.destination_m is null;
        v_at_m := st_transform(v_point.geom, st_srid(watch.destination_m));
        v_eta_at := v_point.recorded_at;
        v_away_m := st_distance(watch.destination_m, v_at_m);
        if v_away_m <= 50 then
            watch.arriving_since := coalesce(watch.arriving_since, v_point.recorded_at);
            has_arrived := v_point.recorded_at >= watch.arriving_since + interval '60 seconds';
            exit when has_arrived;
        elsif v_away_m - v_doubt_m > 50 then
            watch.arriving_since := null;
        end if;

        continue when watch.route_m is null;
        v_away_m := st_distance(watch.route_m, v_at_m) - v_doubt_m;
        if v_away_m > watch.deviation_m then
            watch.off_route_points := watch.off_route_points + 1;
            watch.off_route_since := coalesce(watch.off_route_since, v_point.recorded_at);
            if watch.off_route_points >= 3 and not watch.is_straying_known
                and v_point.recorded_at >= watch.off_route_since + interval '30 seconds'
            then
                watch.strayed_at := coalesce(watch.strayed_at, v_point.recorded_at);
            end if;
        elsif v_away_m <= watch.deviation_m * 0.8 then
            watch.off_route_points := 0;
            watch.off_route_since := null;
            watch.strayed_at := null;
            watch.is_straying_known := false;
        end if;
    end loop;
    if v_eta_at is not null then
        watch.eta := core.estimated_arrival(watch, v_at_m, v_eta_at);
    end if;
exception
    -- A position at the other end of the Earth has no metres in this zone. One walk must not stop the sweep of all.
    when data_exception or internal_error then
        watch := p_watch;
        watch.heard_at := p_points[cardinality(p_points)].recorded_at;
        watch.last_position := p_points[cardinality(p_points)].geom;
        has_arrived := false;
end
$$;

comment on function core.follow_points(core.watches, core.journey_points[]) is
'What new positions, in order, tell of a watched walk: arriving (50 m from the destination for 60 s), leaving the way (beyond deviation_m for three positions and 30 s; back within 80 % of it), pace and arrival, battery. The accuracy of a position is in its favour, up to 50 m; one worse than 200 m only shows that the phone is there. So do all where one of them cannot be computed with. Writes nothing.';
revoke all on function core.follow_points(core.watches, core.journey_points[]) from public;
grant execute on function core.follow_points(core.watches, core.journey_points[]) to saferoute_tasks;
