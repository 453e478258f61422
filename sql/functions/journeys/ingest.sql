create or replace function core.ingest(
    p_user_id uuid, p_journey_id uuid, p_points json, p_since timestamptz, p_until timestamptz, p_near box
) returns bigint
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_stored record;
begin
    -- In order of their keys, or two uploads of the same points could wait for each other for ever.
    -- ON CONFLICT looks every key up twice, a third of the time of a batch that has no duplicates.
    begin
        with stored as (
            insert into core.journey_points
            select s.* from core.storable_points(p_user_id, p_journey_id, p_points, p_since, p_until, p_near) as s
            order by s.recorded_at, s.cell
            returning recorded_at, cell
        )

        select count(*) as points, min(s.recorded_at) as since, max(s.recorded_at) as until, array_agg(distinct s.cell) as cells
        into v_stored from stored as s;
    exception when unique_violation then
        with stored as (
            insert into core.journey_points
            select s.* from core.storable_points(p_user_id, p_journey_id, p_points, p_since, p_until, p_near) as s
            order by s.recorded_at, s.cell
            on conflict do nothing
            returning recorded_at, cell
        )

        select count(*) as points, min(s.recorded_at) as since, max(s.recorded_at) as until, array_agg(distinct s.cell) as cells
        into v_stored from stored as s;
    end;

    if v_stored.points > 0 then
        perform core.widen_journey(p_journey_id, v_stored.since, v_stored.until, v_stored.cells);
    end if;
    return v_stored.points;
end
$$;

comment on function core.ingest(uuid, uuid, json, timestamptz, timestamptz, box) is
'Store those points of one journey that lie in [p_since, p_until) and p_near, and widen the journey''s days and cells where they go beyond them; how many were new. Idempotent.';
revoke all on function core.ingest(uuid, uuid, json, timestamptz, timestamptz, box) from public;
grant execute on function core.ingest(uuid, uuid, json, timestamptz, timestamptz, box) to saferoute_api;
