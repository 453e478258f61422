create or replace function core.explain_reject(p_reject_id bigint, out problem text, out sentence text, out changes jsonb)
language plpgsql volatile strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_reject core.crime_rejects;
    v_load core.crime_loads;
    v_city core.cities;
    v_found core.crime_candidates;
    v_fields text [];
    v_swapped jsonb;
begin
    select r.* into v_reject from core.crime_rejects as r where r.reject_id = p_reject_id and r.settled_at is null;
    if not found then
        raise exception using errcode = 'no_data_found', message = format('crime:%s is not in the quarantine', p_reject_id);
    end if;
    select l.* into strict v_load from core.crime_loads as l where l.load_id = v_reject.load_id;
    select c.* into strict v_city from core.cities as c where c.city_id = v_load.city_id;
    if v_load.publisher is null then
        problem := v_reject.reason;
        sentence := format('It was rejected (%s) before loads said how they were read: import %s again, then it can be explained.', problem, v_load.file_name);
        return;
    end if;

    v_fields := core.reject_fields(v_reject, v_load.header);
    perform core.read_rejects(v_load, array[p_reject_id], true);
    if (select c.action from core.crime_candidates as c) = 'loaded' then
        v_swapped := jsonb_build_object(
            v_load.header[(v_load.columns ->> 'lon')::integer], v_fields[(v_load.columns ->> 'lat')::integer],
            v_load.header[(v_load.columns ->> 'lat')::integer], v_fields[(v_load.columns ->> 'lon')::integer]
        );
    end if;
    perform core.read_rejects(v_load, array[p_reject_id]);
    select c.* into strict v_found from core.crime_candidates as c;
    delete from core.crime_candidates;
    delete from core.crime_staging;
    problem := v_found.reason;
    sentence := core.reject_sentence(v_found, v_load, v_fields, v_city)
        || case when v_swapped is not null and problem is not null then ' Exchanged, its coordinates would do.' else '' end;
    changes := case when problem is not null then v_swapped end;
end
$$;

comment on function core.explain_reject(bigint) is
'What is wrong with a rejected crime now: the reason (null where it can be loaded), a sentence with its values and the limits, and the change that would help where one is known.';
revoke all on function core.explain_reject(bigint) from public;
