-- What the pgTAP stories begin with: who is calling.
create schema tests;

create function tests.authenticate_as(p_user_id uuid) returns void
language sql volatile
as $$
select
    set_config('request.jwt.claims', json_build_object('role', 'authenticated', 'sub', p_user_id)::text, true),
    set_config('role', 'authenticated', true)
$$;

create function tests.call_anonymously() returns void
language sql volatile
as $$
select set_config('request.jwt.claims', '{"role":"web_anon"}', true), set_config('role', 'web_anon', true)
$$;

-- What was sent last to an address, as the phone or mailbox gets it.
create function tests.sent(p_address text) returns jsonb
language sql volatile security definer
set search_path = core, public
as $$
select m.parameters || jsonb_build_object('template', m.template, 'language', m.language)
from core.outbound_messages as m
where m.address = p_address
order by m.message_id desc
limit 1
$$;

create function tests.count_sent() returns bigint
language sql volatile security definer
set search_path = core, public
as $$
select count(*) from core.outbound_messages
$$;

-- What a role can reach in our schemas, from the catalogue: what is added later is seen too.
create function tests.our_schemas() returns oid[]
language sql stable
as $$
select array_agg(n.oid) from pg_namespace as n
where n.nspname in ('api', 'auth', 'live', 'tasks', 'core', 'ops', 'analytics', 'partman', 'pgmq')
$$;

create function tests.functions_of(p_role text) returns setof text
language sql stable
as $$
select p.oid::regproc::text from pg_proc as p
where p.pronamespace = any(tests.our_schemas())
    and has_schema_privilege(p_role, p.pronamespace, 'usage') and has_function_privilege(p_role, p.oid, 'execute')
$$;

create function tests.tables_of(p_role text) returns setof text
language sql stable
as $$
select c.oid::regclass::text from pg_class as c
where c.relnamespace = any(tests.our_schemas())
    and has_schema_privilege(p_role, c.relnamespace, 'usage')
    and case
        when c.relkind = 'S' then has_sequence_privilege(p_role, c.oid, 'usage, select, update')
        when c.relkind in ('r', 'p', 'v', 'm', 'f') then
            has_table_privilege(p_role, c.oid, 'select, insert, update, delete, truncate, references, trigger')
            or has_any_column_privilege(p_role, c.oid, 'select, insert, update, references')
    end
$$;

-- The roles it may become, and where it may make objects.
create function tests.powers_of(p_role text) returns setof text
language sql stable
as $$
select r.rolname::text from pg_roles as r where r.rolname <> p_role and pg_has_role(p_role, r.oid, 'member')
union all
select 'create in ' || n.nspname from pg_namespace as n
where n.nspname !~ '^pg_(temp|toast_temp)_' and has_schema_privilege(p_role, n.oid, 'create')
union all
select 'create in the database' where has_database_privilege(p_role, current_database(), 'create')
union all
select 'attributes' from pg_roles as r
where r.rolname = p_role and (r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolbypassrls or r.rolreplication)
$$;

-- One request, as the API makes it: the caller is the login of the API and asks for the role.
create function tests.request(p_role text, p_statement text, p_read_only boolean default false, p_user_id uuid default null)
returns text
language sql volatile
as $$
select c.body
from core.call(
    p_role, p_read_only, json_strip_nulls(json_build_object('role', p_role, 'sub', p_user_id))::text,
    'POST', '/rpc/x', '{}', 'test', p_statement, '{}'
) as c
$$;

grant usage on schema tests to public;

-- Zoë walks; Mum (a phone and an account), Ben (a mailbox) and Joe (a phone) have agreed to be told.
create function tests.zoe() returns void language sql as $$
select tests.authenticate_as('00000000-0000-4000-8000-000000000001')
$$;
create function tests.mum() returns void language sql as $$
select tests.authenticate_as('00000000-0000-4000-8000-000000000002')
$$;
create function tests.name_contacts() returns void
language plpgsql
as $$
declare
    v_addresses text[] := '{+442079460123,ben@mail.example,+442079460125}';
    v_token text;
begin
    for n in 1..3 loop
        perform tests.zoe();
        perform api.add_contact(
            ('00000000-0000-7000-8000-00000000001' || n)::uuid, (array['Mum', 'Ben', 'Joe'])[n],
            case n when 2 then 'email' else 'sms' end, v_addresses[n], 'Zoë'
        );
        v_token := split_part(tests.sent(v_addresses[n]) ->> 'link', '#', 2);
        perform tests.mum();
        perform api.accept_contact(v_token);
        if n = 1 then
            perform api.connect_contact(v_token);
        end if;
    end loop;
end
$$;
-- As if so much time had passed since the alerts were raised or made urgent.
create function tests.pass(p_time interval) returns void language sql security definer set search_path = core, public as $$
update core.alerts set raised_at = raised_at - p_time, due_at = due_at - p_time, next_tier_at = next_tier_at - p_time;
update core.alert_deliveries set due_at = due_at - p_time, next_attempt_at = next_attempt_at - p_time;
$$;
-- What became of the messages of an alert, as in "Mum sms 1 alert queued".
create function tests.deliveries(p_alert_id uuid) returns setof text language sql security definer
set search_path = core, public as $$
select concat_ws(' ', c.name, d.channel, d.tier, d.kind, d.state)
from core.alert_deliveries as d inner join core.contacts as c using (contact_id)
where d.alert_id = p_alert_id
order by d.tier, d.kind, c.name, d.channel
$$;
-- As if workers had sent what is due.
create function tests.send_due() returns void language sql security definer set search_path = core, public as $$
update core.alert_deliveries as d set state = 'sent', attempts = 1, sent_at = clock_timestamp()
where d.state = 'queued' and d.next_attempt_at <= clock_timestamp()
$$;
create function tests.escalate() returns integer language sql security definer as $$select tasks.escalate()$$;
-- What an account was told since.
create function tests.told(p_user_id uuid, p_seq bigint default 0) returns text[] language sql security definer
set search_path = core, public as $$
select array_agg(e.event order by e.sequence) from core.inbox_entries as e where e.user_id = p_user_id and e.sequence > p_seq
$$;
create function tests.events(p_alert_id uuid) returns text[] language sql security definer set search_path = core, public as $$
select array_agg(e.event order by e.number) from core.alert_events as e where e.alert_id = p_alert_id
$$;

-- A town of straight streets on a grid of metres, for what must be known to the metre.
create function tests.town_point(p_x float8, p_y float8) returns geometry
language sql stable
as $$
select public.st_transform(public.st_setsrid(public.st_makepoint(530000 + p_x, 4556000 + p_y), 32629), 4326)
$$;

create function tests.add_town() returns integer
language plpgsql volatile
as $$
declare
    v_city_id integer;
begin
    insert into core.cities (name, time_zone, utm_srid, walkable_bounds)
    values ('Gridton', 'Europe/Lisbon', 32629, st_envelope(st_collect(
        tests.town_point(-2000, -2000), tests.town_point(2000, 2000))))
    returning city_id into v_city_id;
    insert into core.risk_factors (city_id, week_hour, all_factors, street_factors, mean_risk)
    select v_city_id, h, '{1}', '{0}', 0.5 from generate_series(1, 48) as h;
    return v_city_id;
end
$$;

-- A street from corner (x1, y1) to corner (x2, y2); a density is its risk, null is unknown.
create function tests.add_street(
    p_n integer, p_name text, p_x1 integer, p_y1 integer, p_x2 integer, p_y2 integer,
    p_density float8 default 0, p_direction integer default 0
) returns void
language plpgsql volatile
as $$
declare
    v_base bigint := (select city_id from core.cities where name = 'Gridton') * 1000000000::bigint;
    v_source bigint := v_base + (p_x1 + 2000) * 10000 + p_y1 + 2000;
    v_target bigint := v_base + (p_x2 + 2000) * 10000 + p_y2 + 2000;
    v_line geometry := st_makeline(tests.town_point(p_x1, p_y1), tests.town_point(p_x2, p_y2));
begin
    insert into core.road_vertices (vertex_id, city_id, geom, x_m, y_m)
    values
    (v_source, v_base / 1000000000, st_startpoint(v_line), 530000 + p_x1, 4556000 + p_y1),
    (v_target, v_base / 1000000000, st_endpoint(v_line), 530000 + p_x2, 4556000 + p_y2)
    on conflict do nothing;
    insert into core.road_edges (
        edge_id, city_id, osm_way_id, source, target, highway, name, walkable_direction, length_m, is_connected, geom)
    values (
        v_base + p_n, v_base / 1000000000, p_n, v_source, v_target, 'residential', p_name, p_direction,
        st_length(v_line::geography), true, v_line);
    insert into core.road_links (
        edge_id, city_id, source, target, walkable_direction, length_m, all_density, street_density,
        bounds, source_at, target_at)
    values (
        v_base + p_n, v_base / 1000000000, v_source, v_target, p_direction, st_length(v_line::geography),
        p_density, p_density * 0,
        box(point(530000 + p_x1, 4556000 + p_y1), point(530000 + p_x2, 4556000 + p_y2)),
        point(530000 + p_x1, 4556000 + p_y1), point(530000 + p_x2, 4556000 + p_y2));
end
$$;

-- High Street is risky in its middle; Park Road leads around it. From the east end back west there is a short cut.
-- West Road and East Road stand where no source reports; nobody may walk into Exit Lane.
create function tests.add_streets() returns void
language sql volatile
as $$
select tests.add_town();
select tests.add_street(1, 'High Street', 0, 0, 200, 0);
select tests.add_street(2, 'High Street', 200, 0, 400, 0, 1);
select tests.add_street(3, 'High Street', 400, 0, 600, 0);
select tests.add_street(4, 'Hill Lane', 200, 0, 200, 100);
select tests.add_street(5, 'Park Road', 200, 100, 400, 100);
select tests.add_street(6, 'Mill Lane', 400, 100, 400, 0);
select tests.add_street(7, 'One Way', 400, 100, 600, 0, 0, -1);
select tests.add_street(8, 'West Road', -400, 0, 0, 0, null);
select tests.add_street(9, 'Exit Lane', 0, -300, 0, 0, 0, 1);
$$;

-- The route from (x1, y1) to (x2, y2).
create function tests.routes(
    p_x1 float8, p_y1 float8, p_x2 float8, p_y2 float8, p_aversions float8[] default '{0,3,12}'
) returns jsonb
language sql stable
as $$
select api.safe_routes(
    st_x(tests.town_point(p_x1, p_y1)), st_y(tests.town_point(p_x1, p_y1)),
    st_x(tests.town_point(p_x2, p_y2)), st_y(tests.town_point(p_x2, p_y2)),
    '2020-06-01 22:30+01', p_aversions)
$$;
