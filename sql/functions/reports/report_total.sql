create or replace function core.report_total(p_user_id uuid, p_kind text, p_parameters jsonb) returns integer
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_routes constant jsonb := p_parameters -> 'routes';
    v_most constant integer := 500;
begin
    if jsonb_typeof(p_parameters) is distinct from 'object' then
        perform core.fail('SR018', 'parameters is not a JSON object');
    elsif p_kind in ('journey_report', 'gpx') then
        if coalesce(p_parameters ->> 'journey_id', '') !~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then
            perform core.fail('SR018', 'parameters.journey_id is not a UUID');
        end if;
        perform core.own_journey(p_user_id, (p_parameters ->> 'journey_id')::uuid);
    elsif p_kind = 'route_safety' then
        if jsonb_typeof(v_routes) is distinct from 'array' then
            perform core.fail('SR018', 'parameters.routes is not an array');
        elsif jsonb_array_length(v_routes) not between 1 and v_most then
            perform core.fail('SR018', format('parameters.routes holds %s, not 1 to %s', jsonb_array_length(v_routes), v_most));
        end if;
        return jsonb_array_length(v_routes);
    elsif coalesce(p_kind <> 'export', true) then
        perform core.fail('SR018', 'kind is none of journey_report, gpx, export and route_safety');
    end if;
    return 1;
end
$$;

comment on function core.report_total(uuid, text, jsonb) is
'How many parts a report has that a person asks for: 1, or as many as there are routes. SR018 where it cannot be made of these parameters, SR002 where the journey is not theirs.';
revoke all on function core.report_total(uuid, text, jsonb) from public;
grant execute on function core.report_total(uuid, text, jsonb) to saferoute_api;
