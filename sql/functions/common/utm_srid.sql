create or replace function core.utm_srid(p_position geometry) returns integer
language sql immutable strict parallel safe security invoker
as $$
select 32601 + least(59, floor((public.st_x(p_position) + 180) / 6))::integer
    + case when public.st_y(p_position) < 0 then 100 else 0 end
$$;

comment on function core.utm_srid(geometry) is
'EPSG code of the UTM zone of a position (EPSG:4326): metres are measured in it where no city says which. Inlined, so it has no search_path of its own.';
revoke all on function core.utm_srid(geometry) from public;
grant execute on function core.utm_srid(geometry) to saferoute_tasks;
