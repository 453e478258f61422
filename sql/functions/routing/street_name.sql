create or replace function core.street_name(p_name text, p_highway text) returns text
language sql immutable parallel safe security invoker
as $$
select coalesce(p_name, case p_highway
    when 'footway' then 'the footpath'
    when 'path' then 'the path'
    when 'steps' then 'the steps'
    when 'track' then 'the track'
    when 'cycleway' then 'the cycle path'
    when 'pedestrian' then 'the pedestrian street'
    when 'service' then 'the service road'
    else 'the unnamed street' end)
$$;

comment on function core.street_name(text, text) is
'What a street is called in instructions: its name, or what it is by its OSM highway tag. Inlined, so it has no search_path of its own.';
revoke all on function core.street_name(text, text) from public;
grant execute on function core.street_name(text, text) to saferoute_api, saferoute_tasks;
