-- What the functions of a route hand to each other.
do $$
begin
    if to_regtype('core.leg') is null then
        create type core.leg as (
            leg integer,
            street text,
            length_m float8,
            starts_m float8,
            risk float8,
            is_known boolean,
            geom geometry
        );
    end if;
    if to_regtype('core.route') is null then
        create type core.route as (
            aversions float8[],
            proven_optimal boolean,
            legs core.leg[],
            length_m float8,
            known_m float8,
            exposure_m float8
        );
    end if;
end
$$;
comment on type core.leg is 'One stretch of a route along one road link, in walking order from 1.';
comment on column core.leg.street is 'Its name, or what it is where it has none.';
comment on column core.leg.starts_m is 'Metres from the start of the route to the start of the leg.';
comment on column core.leg.risk is 'Risk at the hour of the walk, 0 to 1; the mean of the city where unknown.';
comment on column core.leg.is_known is 'Whether a source reports here.';
comment on column core.leg.geom is 'The line in walking direction, EPSG:4326.';
comment on type core.route is 'One way to walk, best for each of its aversions.';
comment on column core.route.aversions is 'Whom it is best for: least sum of length * (1 + aversion * risk), ascending.';
comment on column core.route.known_m is 'Metres of it where a source reports.';
comment on column core.route.exposure_m is 'Sum of length * risk: as many metres of the highest risk.';
