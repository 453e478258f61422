create or replace function core.widen_journey(
    p_journey_id uuid, p_since timestamptz, p_until timestamptz, p_cells text[]
) returns void
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
set timezone = 'UTC'
as $$
begin
    -- Whole days and new cells only: most batches leave the journey's row alone.
    update core.journeys as j set
        points_from = least(j.points_from, date_trunc('day', p_since)),
        points_until = greatest(j.points_until, date_trunc('day', p_until) + interval '1 day'),
        cells = (select array_agg(distinct u.cell) from unnest(j.cells || p_cells) as u (cell))
    where j.journey_id = p_journey_id
        and not coalesce(j.points_from <= p_since and j.points_until > p_until and j.cells @> p_cells, false);
end
$$;

comment on function core.widen_journey(uuid, timestamptz, timestamptz, text[]) is
'Let the days and cells of a journey hold points recorded from p_since to p_until (inclusive) in p_cells.';
revoke all on function core.widen_journey(uuid, timestamptz, timestamptz, text[]) from public;
grant execute on function core.widen_journey(uuid, timestamptz, timestamptz, text[]) to saferoute_api, saferoute_ingest;
