-- migration: pre superuser
-- High availability.

-- source: sql/schema/000_roles.sql sha256:b711e5537c2d33f1cc677b34e49a734b55f3fd939a984c0ec56f722a2bcb8fb5
-- Roles of the cluster. Least privilege: an app role reaches tables only through api.* functions.
do $$
declare
    v_role record;
begin
    for v_role in
        select *
        from (values
            ('saferoute_owner', 'login', 'owns tables and internal functions; imports and upkeep'),
            ('saferoute_api', 'nologin', 'owns the api.* functions: not a table owner, no BYPASSRLS'),
            ('saferoute_auth', 'nologin', 'owns the auth.* functions: accounts and codes, nothing else of people'),
            ('saferoute_ingest', 'nologin', 'owns core.record_points_together, which stores the points of many callers at once'),
            ('saferoute_live', 'nologin', 'owns the live.* functions: what the live gateway reads for many watchers at once'),
            ('saferoute_tasks', 'nologin', 'owns the tasks.* functions: deliveries, sweeps and messages of everyone'),
            ('authenticator', 'login noinherit', 'login of the API; becomes the role of the token'),
            ('web_anon', 'nologin', 'a caller without a token'),
            ('authenticated', 'nologin', 'a signed-in person'),
            ('integrator', 'nologin', 'a program with an API key'),
            ('worker', 'login', 'background tasks'),
            ('replicator', 'login replication', 'streams to the standbys; reads no table'),
            ('analyst', 'login', 'k-anonymous views on a standby'),
            ('operator', 'login', 'views and procedures of schema ops')
        ) as roles (name, attributes, meaning)
    loop
        if not exists (select from pg_catalog.pg_roles where rolname = v_role.name) then
            execute format('create role %I %s', v_role.name, v_role.attributes);
        end if;
        execute format('comment on role %I is %L', v_role.name, v_role.meaning);
    end loop;
end
$$;

grant web_anon to authenticator;
grant authenticated to authenticator;
grant integrator to authenticator;
-- The owner replaces api.* and auth.* functions; their owners gain nothing from it.
grant saferoute_api to saferoute_owner;
grant saferoute_auth to saferoute_owner;
grant saferoute_ingest to saferoute_owner;
grant saferoute_live to saferoute_owner;
grant saferoute_tasks to saferoute_owner;
-- Queues belong to those who work them off.
grant worker to saferoute_owner;

-- Replay lag and sizes, for upkeep and for those who watch it.
grant pg_read_all_stats to saferoute_owner, operator;

-- How long a call may take, unless a DBA has set it. PostgreSQL applies a role's setting at login only: the one of
-- authenticator is the ceiling, the API reads the others and keeps them itself. An analyst may set another one for a
-- session: what ends every query is max_standby_streaming_delay of the analysts' standby.
do $$
declare
    v_role record;
begin
    for v_role in
        select *
        from (values
            ('web_anon', '5s'), ('authenticated', '10s'), ('integrator', '10s'), ('authenticator', '15s'),
            ('analyst', '1h')
        ) as t (name, timeout)
    loop
        if not exists (
            select from pg_catalog.pg_roles as r, unnest(r.rolconfig) as c (setting)
            where r.rolname = v_role.name and c.setting like 'statement_timeout=%'
        ) then
            execute format('alter role %I set statement_timeout = %L', v_role.name, v_role.timeout);
        end if;
    end loop;
end
$$;
-- How many connections each may have to a server, unless a DBA has set it: see ops.connection_budget. Those of
-- authenticator share SAFEROUTE_DATABASE_CONNECTIONS; analysts have a standby of their own.
do $$
declare
    v_role record;
begin
    for v_role in
        select t.*
        from (values ('worker', 60), ('saferoute_owner', 20), ('operator', 10)) as t (name, connections)
        inner join pg_catalog.pg_roles as r on t.name = r.rolname
        where r.rolconnlimit = -1
    loop
        execute format('alter role %I connection limit %s', v_role.name, v_role.connections);
    end loop;
end
$$;
-- The detail of an error may hold a position, which no log may keep.
alter role authenticator set log_error_verbosity = 'terse';
-- And so may the parameters of a slow statement, or name a person.
alter role authenticator set log_parameter_max_length = 0;
-- So does the message of an error that quotes what cannot be read ("invalid input syntax for type ..."). The API logs the
-- failures that are the server's.
alter role authenticator set log_min_messages = 'log';
alter role saferoute_owner set log_parameter_max_length = 0;
-- Views over the catalogue: compiling them took 8 s, running them 0.4 s.
alter role operator set jit = off;

-- A standby writes nothing anyway; this says so before a query is planned, and wherever else the role might come to be.
alter role analyst set default_transaction_read_only = 'on';
-- A session forgotten in a transaction would hold the replay of its standby back for hours.
alter role analyst set idle_in_transaction_session_timeout = '10min';
alter role analyst set search_path = 'analytics', 'public';

-- Only signed-in roles of this product connect.
do $$
begin
    execute format('revoke all on database %I from public', current_database());
    execute format(
        'grant connect on database %I to authenticator, worker, analyst, operator', current_database()
    );
    execute format('grant connect, create, temporary on database %I to saferoute_owner', current_database());
end
$$;

-- Days and months are UTC's. pg_partman names and bounds what it makes by the clock of the session, so that in New York
-- it makes a Sunday of Monday and lets months begin on the 31st; this is what a session has that asks for nothing else.
do $$
begin
    if not exists (
        select from pg_catalog.pg_db_role_setting as s, unnest(s.setconfig) as c (setting)
        where s.setrole = 0 and c.setting ilike 'timezone=%'
            and s.setdatabase = (select d.oid from pg_catalog.pg_database as d where d.datname = current_database())
    ) then
        execute format('alter database %I set timezone = ''UTC''', current_database());
    end if;
end
$$;

-- A host that dies without a word would keep its connections, and with them its places, for over two hours: for 11 s.
do $$
declare
    v_role text;
begin
    foreach v_role in array array['authenticator', 'worker'] loop
        execute format('alter role %I set tcp_keepalives_idle = 5', v_role);
        execute format('alter role %I set tcp_keepalives_interval = 2', v_role);
        execute format('alter role %I set tcp_keepalives_count = 3', v_role);
        execute format('alter role %I set tcp_user_timeout = 10000', v_role);
    end loop;
end
$$;

-- role: saferoute_owner
set local role saferoute_owner;

-- by hand: first

-- changed: sql/schema/162_endpoints.sql sha256:d814e11c90abb55894a179b2c6f3e51b9dc308b9730928e9dffea9dbb211fe85
--|   create table if not exists core.endpoints (
--| -     class text not null references core.endpoint_classes (class) on delete restrict
--| +     class text not null references core.endpoint_classes (class) on delete restrict,
--| +     is_repeatable boolean not null default false
alter table core.endpoints add column is_repeatable boolean not null default false;

-- rest: sql/schema/162_endpoints.sql
comment on column core.endpoints.is_repeatable is 'Of a function that writes: whether the same call twice does no more than once, and is answered alike. The API sends it again itself where the primary was lost.';
insert into core.endpoints (endpoint, class, is_repeatable) values
('safe_routes', 'routes', false),
('route_safety', 'routes', false),
('record_points', 'ingest', true),
('start_journey', 'writes', true),
('end_journey', 'writes', true),
('watch_journey', 'writes', true)
on conflict (endpoint) do update set class = excluded.class, is_repeatable = excluded.is_repeatable;

-- changed: sql/schema/168_contacts.sql sha256:f8e4ab0d3c66d89ac1942f1f4935f6888a774f7402cca71ceceff60605588e05

-- rest: sql/schema/168_contacts.sql
insert into core.endpoints (endpoint, class, is_repeatable) values
('add_contact', 'codes', true),
('update_contact', 'codes', false),
('resend_contact_invitation', 'codes', false)
on conflict (endpoint) do update set class = excluded.class, is_repeatable = excluded.is_repeatable;

-- changed: sql/schema/180_alerts.sql sha256:12a1f1a81c649aa2f5274b44649fb986b2fbaac83d1171a4b90633f333b1d926

-- rest: sql/schema/180_alerts.sql
insert into core.endpoints (endpoint, class, is_repeatable) values
('raise_sos', 'sos', true),
('cancel_sos', 'sos', true),
('acknowledge_alert', 'sos', true),
('acknowledge_by_link', 'sos', true),
('alert_by_link', 'sos', false),
('resolve_alert', 'sos', true),
('alerts_since', 'sos', false),
('alert_status', 'sos', false),
('raise_drill', 'codes', true),
('set_alert_settings', 'sign_in', false)
on conflict (endpoint) do update set class = excluded.class, is_repeatable = excluded.is_repeatable;

-- changed: sql/schema/188_reports.sql sha256:f6738a0d69c052f97e80f046dbac8b6a618bd054c59a22d211cad55911c6e56d

-- rest: sql/schema/188_reports.sql
insert into core.endpoints (endpoint, class, is_repeatable) values
('request_report', 'documents', true)
on conflict (endpoint) do update set class = excluded.class, is_repeatable = excluded.is_repeatable;

-- source: sql/functions/alerts/last_position.sql sha256:59006db8ee79c5688fa3bbfe2e1474dee92f0853151bb0c2abef71af2b637b82
create or replace function core.last_position(p_user_id uuid, p_journey_id uuid) returns geometry
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_journey core.journeys;
begin
    select j.* into v_journey
    from core.journeys as j
    where j.user_id = p_user_id and j.erasing_since is null
        and case
            when p_journey_id is null then j.ended_at is null and j.started_at > now() - interval '1 day'
            else j.journey_id = p_journey_id
        end
    order by j.started_at desc
    limit 1;
    return (core.newest_point(v_journey)).geom;
end
$$;

comment on function core.last_position(uuid, uuid) is
'Where a person was last on this walk, or, where p_journey_id is null, on the one they are on; null where nothing is known.';
revoke all on function core.last_position(uuid, uuid) from public;
grant execute on function core.last_position(uuid, uuid) to saferoute_api, saferoute_tasks;

-- source: sql/functions/common/call.sql sha256:fe3aa6a3af55c0af75dc7218ffc90126a7b3e3168b693077cd655ae9b2a7f374
create or replace function core.call(
    p_role text,
    p_read_only boolean,
    p_claims text,
    p_method text,
    p_path text,
    p_headers text,
    p_application text,
    p_statement text,
    p_arguments json,
    out body text,
    out status text,
    out headers text
) returns record
language plpgsql volatile parallel unsafe security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
    perform
        set_config('request.jwt.claims', p_claims, true),
        set_config('request.method', p_method, true),
        set_config('request.path', p_path, true),
        set_config('request.headers', p_headers, true),
        set_config('application_name', p_application, true),
        set_config('transaction_read_only', p_read_only::text, true),
        set_config('role', p_role, true);
    -- A statement of its own: in the one that sets the role, rights would be checked as the authenticator's.
    execute p_statement into body using p_arguments;
    -- What finds everything done already waits for the standbys, too: the first time, that may have been cut short. Only
    -- who has written something waits.
    if not p_read_only and pg_current_xact_id_if_assigned() is null then
        perform pg_logical_emit_message(true, 'saferoute', '');
    end if;
    status := nullif(current_setting('response.status', true), '');
    headers := nullif(current_setting('response.headers', true), '');
    -- Not for the caller: the API takes this header out and publishes what it holds.
    if current_setting('response.publications', true) <> '' then
        headers := coalesce(headers, '[]')::jsonb
        || jsonb_build_object('Saferoute-Publish', '[' || current_setting('response.publications') || ']');
    end if;
end
$$;

comment on function core.call(text, boolean, text, text, text, text, text, text, json) is
'One request of the API in one statement: become p_role, say who calls and how, run p_statement (text the API built from pg_proc, $1 = p_arguments) and return its one value as body. A function that sets response.status or response.headers (a JSON array of one-key objects) for its transaction answers with these. What core.publish has collected is added as a header Saferoute-Publish, which the API keeps to itself. All that is set ends with the transaction. p_application is the application_name while it runs: it names the request. SECURITY INVOKER: a role cannot be switched inside a definer function.';
revoke all on function core.call(text, boolean, text, text, text, text, text, text, json) from public;
grant execute on function core.call(text, boolean, text, text, text, text, text, text, json) to authenticator;

-- source: sql/functions/common/call_once.sql sha256:c2f58a56dc00f30fc49323c9dd0acc0a08aeeae83f9eaca1b98fc9c8dd2f777a
create or replace function core.call_once(
    p_key text,
    p_endpoint text,
    p_role text,
    p_read_only boolean,
    p_claims text,
    p_method text,
    p_path text,
    p_headers text,
    p_application text,
    p_statement text,
    p_arguments json,
    out body text,
    out status text,
    out headers text
) returns record
language plpgsql volatile parallel unsafe security invoker
set search_path = core, pg_catalog, pg_temp
as $$
declare
    v_caller_id uuid;
    v_digest bytea := sha256(convert_to(p_arguments::text, 'UTF8'));
    v_known core.idempotency_keys;
begin
    perform set_config('request.jwt.claims', p_claims, true);
    v_caller_id := core.current_caller_id();
    if v_caller_id is null or p_key !~ '^[ -~]{1,200}$' then
        perform core.fail('SR081');
    end if;
    -- A second call waits here for the first to end, and is answered like it where that has succeeded.
    perform pg_advisory_xact_lock(hashtextextended(v_caller_id || p_key, 174));
    select k.* into v_known
    from core.idempotency_keys as k
    where k.caller_id = v_caller_id and k.idempotency_key = p_key and k.created_at > now() - interval '24 hours';
    if found then
        if v_known.endpoint <> p_endpoint or v_known.digest <> v_digest then
            perform core.fail('SR080');
        end if;
        body := v_known.body;
        status := v_known.status;
        headers := coalesce(v_known.headers, '[]')::jsonb || '{"Idempotency-Replayed": "true"}'::jsonb;
        -- See core.call.
        perform pg_logical_emit_message(true, 'saferoute', '');
        return;
    end if;

    select c.body, c.status, c.headers into body, status, headers
    from core.call(
        p_role, p_read_only, p_claims, p_method, p_path, p_headers, p_application, p_statement, p_arguments
    ) as c;
    -- What was refused may be tried again.
    if coalesce(status, '200') < '400' then
        perform set_config('role', 'none', true);
        insert into core.idempotency_keys as k (caller_id, idempotency_key, endpoint, digest, body, status, headers)
        values (
            v_caller_id, p_key, p_endpoint, v_digest, body, status,
            case
                -- What was published is not published again.
                when headers like '%"Saferoute-Publish"%' then
                    (
                        select jsonb_agg(h.header)
                        from jsonb_array_elements(headers::jsonb) as h (header)
                        where not h.header ? 'Saferoute-Publish'
                    )::text
                else headers
            end
        )
        on conflict (caller_id, idempotency_key) do update set -- it is over a day old
            endpoint = excluded.endpoint,
            digest = excluded.digest,
            body = excluded.body,
            status = excluded.status,
            headers = excluded.headers,
            created_at = excluded.created_at;
    end if;
end
$$;

comment on function core.call_once(text, text, text, boolean, text, text, text, text, text, text, json) is
'core.call for a request with an Idempotency-Key: the first that succeeds is kept with its answer in the same transaction, and the same request again is answered from there, with the header Idempotency-Replayed. SR080 where the key was used for another request, SR081 where it cannot be used or nobody is signed in. What fails or is refused keeps nothing.';
revoke all on function core.call_once(text, text, text, boolean, text, text, text, text, text, text, json) from public;
grant execute on function core.call_once(text, text, text, boolean, text, text, text, text, text, text, json) to authenticator;

-- source: sql/functions/deliveries/claim_delivery.sql sha256:e1a0458be6954b9897ead4f76d4f264a0052bcdd9be2bdf4755e34e28a2f9321
create or replace function core.claim_delivery(p_delivery_id uuid, p_lease interval) returns json
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_delivery core.alert_deliveries;
begin
    -- A delivery is its row's: whoever comes second finds it claimed. Nothing else is locked here, so nobody waits in a ring.
    update core.sendable_deliveries as d set
        attempts = d.attempts + 1, claim_id = gen_random_uuid(), claimed_until = clock_timestamp() + p_lease
    where d.delivery_id = p_delivery_id and (d.claimed_until is null or d.claimed_until <= clock_timestamp())
    returning d.* into v_delivery;
    if not found then
        return null;
    end if;
    -- Every worker that had it was killed: it is not tried for ever.
    if v_delivery.attempts > (select p.attempts from core.delivery_policies as p where p.channel = v_delivery.channel) then
        perform core.note_failed(v_delivery.claim_id, 'no attempt came to its end', null, true);
        return null;
    end if;
    if v_delivery.endpoint_id is not null and not exists (
        select from core.notification_endpoints as e where e.endpoint_id = v_delivery.endpoint_id
    ) then
        perform core.note_failed(v_delivery.claim_id, 'the browser or webhook was removed', null, true);
        return null;
    end if;
    return core.delivery_message(v_delivery);
end
$$;

comment on function core.claim_delivery(uuid, interval) is
'Take a delivery that is due, for p_lease: what is to be sent, and the claim_id to report with. Null where there is nothing to do: it is not due, another has it, it was sent, given up or cancelled. attempts counts this one; from the second on the provider is asked first whether it has the message.';
revoke all on function core.claim_delivery(uuid, interval) from public;
grant execute on function core.claim_delivery(uuid, interval) to saferoute_tasks;

-- source: sql/functions/deliveries/due_deliveries.sql sha256:f5841386880d2c578032f8f359fa00cddfd0cfc64d359cab5d788f03e517c332
create or replace function core.due_deliveries(p_limit integer) returns setof uuid
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return query
    select d.delivery_id
    from core.sendable_deliveries as d
    where d.claimed_until is null or d.claimed_until <= clock_timestamp()
    order by d.next_attempt_at
    limit p_limit;
end
$$;

comment on function core.due_deliveries(integer) is
'The deliveries that are due and that nobody has claimed, those first that have waited longest.';
revoke all on function core.due_deliveries(integer) from public;
grant execute on function core.due_deliveries(integer) to saferoute_tasks;

-- source: sql/functions/deliveries/heed_clock.sql sha256:4a70d6d69a761cb2f84791780d3ac4ae51bb2a582ee4959788287208caf6bf90
create or replace function core.heed_clock() returns void
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_now timestamptz := clock_timestamp();
begin
    -- Who holds a row is at work on it: the next sweep finds it again. So nobody waits in a ring.
    with written as (
        select a.alert_id, a.raised_at - v_now as ahead
        from core.alerts as a
        where a.next_tier_at > v_now and a.raised_at > v_now + interval '5 seconds'
        for update skip locked
    )

    update core.alerts as a set
        raised_at = v_now, due_at = a.due_at - w.ahead, next_tier_at = a.next_tier_at - w.ahead
    from written as w
    where a.alert_id = w.alert_id;

    with written as (
        select d.delivery_id, d.queued_at - v_now as ahead
        from core.alert_deliveries as d
        where d.state = 'queued' and d.next_attempt_at > v_now and d.queued_at > v_now + interval '5 seconds'
        for update skip locked
    )

    update core.alert_deliveries as d set
        queued_at = v_now, due_at = d.due_at - w.ahead, next_attempt_at = d.next_attempt_at - w.ahead,
        claimed_until = d.claimed_until - w.ahead
    from written as w
    where d.delivery_id = w.delivery_id;
end
$$;

comment on function core.heed_clock() is
'Due times are of the primary''s clock. What a primary has written whose clock was fast is over 5 s in the future to the next one, and would wait for as long: it is due as it was meant, counted from now. Measured with a clock 300 s fast: after the failover alerts went out 300 s late without this, and at once with it.';
revoke all on function core.heed_clock() from public;
grant execute on function core.heed_clock() to saferoute_tasks;

-- source: sql/functions/deliveries/nudge.sql sha256:3438bdd241d7f08e584f9e5a153752d1c302bcc1f0cafcdd76bc7ec2abc7a02b
create or replace function core.nudge(p_limit integer) returns integer
language plpgsql volatile parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_nudged integer := 0;
    v_count integer;
begin
    -- One at a time: a second sweep would only queue the same again.
    if not pg_try_advisory_xact_lock(hashtextextended('saferoute nudge', 0)) then
        return 0;
    end if;
    perform core.heed_clock();
    -- Where many wait in the queue, workers are busy and nothing has been lost.
    if core.waiting_tasks('alarm', p_limit) < p_limit then
        perform core.enqueue_task('alarm', 'deliver', jsonb_build_array(d)) from core.due_deliveries(p_limit) as d;
        get diagnostics v_nudged = row_count;
    end if;
    if core.waiting_tasks('default', p_limit) < p_limit then
        perform core.enqueue_task('default', 'send_message', jsonb_build_array(m)) from core.due_messages(p_limit) as m;
        get diagnostics v_count = row_count;
        v_nudged := v_nudged + v_count;
    end if;
    return v_nudged;
end
$$;

comment on function core.nudge(integer) is
'Queue a task for what is due and unclaimed: deliveries and messages, up to p_limit of each. How many there were. So a broker that has lost everything has lost a few seconds.';
revoke all on function core.nudge(integer) from public;
grant execute on function core.nudge(integer) to saferoute_tasks;

-- source: sql/functions/deliveries/queue_state.sql sha256:65378710a68b4d6a5121015fc8a798cea159671ab9b4440d2b67f89c93e8b2d3
create or replace function core.queue_state() returns json
language plpgsql stable parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
begin
    return json_build_object(
        'queues', (
            select json_object_agg(q.queue, json_build_object('tasks', q.tasks, 'oldest_s', q.oldest_s))
            from (
                select
                    n.queue,
                    count(w.vt) as tasks,
                    coalesce(round(extract(epoch from clock_timestamp() - min(w.vt))::numeric, 3), 0) as oldest_s
                from unnest('{alarm,default,bulk}'::text []) as n (queue)
                left join lateral (
                    select q.vt from pgmq.q_alarm as q where n.queue = 'alarm'
                    union all
                    select q.vt from pgmq.q_default as q where n.queue = 'default'
                    union all
                    select q.vt from pgmq.q_bulk as q where n.queue = 'bulk'
                ) as w on w.vt <= clock_timestamp()
                group by n.queue
            ) as q
        ),
        'deliveries', (
            select json_build_object(
                'due', count(*),
                'oldest_s', coalesce(round(extract(epoch from clock_timestamp() - min(d.next_attempt_at))::numeric, 3), 0),
                'claimed', count(*) filter (where d.claimed_until > clock_timestamp()),
                'retried', count(*) filter (where d.attempts > 0 and d.claimed_until is null)
            )
            from core.sendable_deliveries as d
        ),
        'messages', (
            select json_build_object(
                'due', count(*),
                'oldest_s', coalesce(round(extract(epoch from clock_timestamp() - min(m.next_attempt_at))::numeric, 3), 0)
            )
            from core.outbound_messages as m
            where m.status in ('queued', 'claimed') and m.next_attempt_at <= clock_timestamp()
        ),
        'dead_letters', (select count(*) from core.alert_deliveries as d where d.is_dead)
    );
end
$$;

comment on function core.queue_state() is
'How work stands: tasks that wait in each queue and for how long (seconds), deliveries and messages that are due (those that a worker has at the moment too), and dead letters.';
revoke all on function core.queue_state() from public;
grant execute on function core.queue_state() to saferoute_tasks;

-- source: sql/functions/ops/replication_limits.sql sha256:cd473ed73395bd9ae67453e702fd53d93eb108538751609361b04d4da917851e
create or replace function ops.replication_limits(out lag_tolerant text[], out max_replay_lag_s double precision)
returns record
language plpgsql stable parallel safe security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
    lag_tolerant := regexp_split_to_array(
        trim(coalesce(nullif(current_setting('saferoute.lag_tolerant_replicas', true), ''), 'analysts')), '\s*,\s*'
    );
    max_replay_lag_s := coalesce(nullif(current_setting('saferoute.max_replay_lag_s', true), ''), '30')::double precision;
end
$$;

comment on function ops.replication_limits() is
'What ops.replication_health and ops.replay_health judge by: which standbys may be behind (lag_tolerant), and how many seconds the others may be. The saferoute command sets both from its settings; psql has what `alter database ... set saferoute.lag_tolerant_replicas = ''analysts,reports''` and saferoute.max_replay_lag_s say, without them analysts and 30.';
revoke all on function ops.replication_limits() from public;
grant execute on function ops.replication_limits() to operator;

-- source: sql/functions/restores/carry_over.sql sha256:366ff5d4c03bc2f948fd2f7bdc0060d560623e56f8e9c92e8cbb54827ad59bcc
create or replace function core.carry_over(p_kept jsonb) returns text[]
language plpgsql volatile strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_digests text[];
    v_sequence record;
begin
    select coalesce(array_agg(distinct k.user_digest), '{}') into v_digests
    from jsonb_populate_recordset(null::core.erasures, p_kept -> 'erasures') as k
    where not exists (
        select from core.erasures as e where e.erasure_id = k.erasure_id and e.finished_at is not null
    );
    insert into core.erasures
    select k.*
    from jsonb_populate_recordset(null::core.erasures, p_kept -> 'erasures') as k
    order by k.began_at
    on conflict (erasure_id) do update set
        finished_at = excluded.finished_at,
        removed = excluded.removed,
        archives = excluded.archives,
        lsn = excluded.lsn,
        proof = excluded.proof,
        digest = excluded.digest
    where core.erasures.finished_at is null;

    -- A period that stands again has in its archive a copy, as if it had been restored into its set.
    insert into core.partition_archives
    overriding system value
    select
        k.archive_id,
        k.parent,
        k.lower_bound,
        k.upper_bound,
        k.file_name,
        k.file_digest,
        k.file_bytes,
        k.row_count,
        k.leaf_rows,
        k.archived_at,
        k.dropped_at,
        case
            when k.dropped_at is null then null
            when exists (select from core.periods(k.parent) as p where p.lower_bound = k.lower_bound) then clock_timestamp()
        end,
        null,
        k.keep_until,
        null,
        k.content_digest
    from jsonb_to_recordset(p_kept -> 'archives') as k (
        archive_id bigint, parent regclass, lower_bound timestamptz, upper_bound timestamptz, file_name text,
        file_digest text, file_bytes bigint, row_count bigint, leaf_rows jsonb, archived_at timestamptz,
        dropped_at timestamptz, keep_until timestamptz, content_digest numeric
    )
    on conflict do nothing;
    update core.partition_archives as a set superseded_by = k.superseded_by
    from jsonb_to_recordset(p_kept -> 'archives') as k (archive_id bigint, superseded_by bigint)
    where
        a.archive_id = k.archive_id and a.superseded_by is null and k.superseded_by is not null
        and exists (select from core.partition_archives as later where later.archive_id = k.superseded_by);

    insert into core.contact_consents
    select k.*
    from jsonb_populate_recordset(null::core.contact_consents, p_kept -> 'consents') as k
    on conflict do nothing;
    -- Another address may have stood there, whose owner has agreed.
    update core.contacts as c set
        state = k.state,
        answered_at = k.answered_at,
        code_digest = null,
        code_expires_at = null,
        code_tries = 0
    from jsonb_to_recordset(p_kept -> 'refusals') as k (
        contact_id uuid, state text, answered_at timestamptz, address_digest bytea
    )
    where c.contact_id = k.contact_id and core.address_digest(c.user_id, c.channel, c.address) = k.address_digest;
    delete from core.contacts as c
    using jsonb_array_elements_text(p_kept -> 'removed_contacts') as k (contact_id)
    where c.contact_id = k.contact_id::uuid;

    update core.api_keys as a set revoked_at = k.value::timestamptz
    from jsonb_each_text(p_kept -> 'revoked_keys') as k
    where a.api_key_id = k.key::uuid and a.revoked_at is null;
    update core.journey_shares as s set revoked_at = k.value::timestamptz
    from jsonb_each_text(p_kept -> 'revoked_shares') as k
    where s.share_id = k.key::uuid and s.revoked_at is null;

    -- Apps ask for what is later than the number they have seen: none may be given out twice.
    insert into core.inboxes (user_id, last_sequence)
    select
        k.key::uuid,
        k.value::bigint
    from jsonb_each_text(p_kept -> 'inboxes') as k
    on conflict (user_id) do update set last_sequence = greatest(core.inboxes.last_sequence, excluded.last_sequence);
    for v_sequence in
        select
            s.schemaname,
            s.sequencename,
            k.value::bigint as last_value
        from jsonb_each_text(p_kept -> 'sequences') as k
        inner join pg_catalog.pg_sequences as s on format('%I.%I', s.schemaname, s.sequencename) = k.key
        where s.sequenceowner = current_user and k.value::bigint > coalesce(s.last_value, 0)
    loop
        perform setval(format('%I.%I', v_sequence.schemaname, v_sequence.sequencename)::regclass, v_sequence.last_value);
    end loop;
    return v_digests;
end
$$;

comment on function core.carry_over(jsonb) is
'Bring what core.what_outlives_a_restore has kept into a database that was restored to an earlier moment. The digests of the people who have been erased since: whoever of them came back is to be erased again. Can be run twice.';
revoke all on function core.carry_over(jsonb) from public;

-- source: sql/functions/restores/what_outlives_a_restore.sql sha256:39be342edd6c2a44d0477e80ee820277f0c237e4f5ac482058fefd221f941d5b
create or replace function core.what_outlives_a_restore(p_since timestamptz) returns jsonb
language sql stable strict parallel unsafe security invoker
set search_path = core, public, pg_temp
as $$
select jsonb_build_object(
    'erasures', (
        select coalesce(jsonb_agg(to_jsonb(e) order by e.began_at), '[]') from core.erasures as e
    ),
    'archives', (
        select coalesce(jsonb_agg(to_jsonb(a) order by a.archive_id), '[]') from core.partition_archives as a
    ),
    -- What is written into the ledger was begun a little earlier.
    'consents', (
        select coalesce(jsonb_agg(to_jsonb(c) order by c.recorded_at), '[]')
        from core.contact_consents as c
        where c.recorded_at > p_since - interval '1 hour'
    ),
    'refusals', (
        select coalesce(jsonb_agg(jsonb_build_object(
            'contact_id', c.contact_id,
            'state', c.state,
            'answered_at', c.answered_at,
            'address_digest', core.address_digest(c.user_id, c.channel, c.address)
        )), '[]')
        from core.contacts as c
        where c.state in ('declined', 'withdrawn') and c.answered_at > p_since - interval '1 hour'
    ),
    'removed_contacts', (
        select coalesce(jsonb_agg(distinct g.contact_id), '[]')
        from core.contact_consents as g
        where
            g.event = 'removed' and g.recorded_at > p_since - interval '1 hour'
            and not exists (select from core.contacts as c where c.contact_id = g.contact_id)
    ),
    'revoked_keys', (
        select coalesce(jsonb_object_agg(k.api_key_id, k.revoked_at), '{}')
        from core.api_keys as k
        where k.revoked_at is not null
    ),
    'revoked_shares', (
        select coalesce(jsonb_object_agg(s.share_id, s.revoked_at), '{}')
        from core.journey_shares as s
        where s.revoked_at > p_since - interval '1 hour'
    ),
    'inboxes', (select coalesce(jsonb_object_agg(i.user_id, i.last_sequence), '{}') from core.inboxes as i),
    'sequences', (
        select coalesce(jsonb_object_agg(format('%I.%I', s.schemaname, s.sequencename), s.last_value), '{}')
        from pg_catalog.pg_sequences as s
        where s.sequenceowner = current_user and s.last_value is not null
    )
)
$$;

comment on function core.what_outlives_a_restore(timestamptz) is
'What must not be undone when the database goes back to p_since: who was erased, which archives there are, which contacts said no or were removed, which keys and links were revoked; and how far numbers were given out. It names people by id: keep it as safe as the database, and no longer than the restore takes. core.carry_over takes it.';
revoke all on function core.what_outlives_a_restore(timestamptz) from public;

-- source: sql/functions/watch/newest_point.sql sha256:76843d77d48dca392a19ba35bff76b90ab1a95bf1243946a4f3c9b988ba217f5
create or replace function core.newest_point(p_journey core.journeys) returns core.journey_points
language plpgsql stable parallel safe security invoker
set search_path = core, public, pg_temp
set plan_cache_mode = 'force_custom_plan'
set max_parallel_workers_per_gather = '0'
as $$
declare
    v_point core.journey_points;
begin
    select p.* into v_point
    from core.journey_points as p
    where p.journey_id = p_journey.journey_id
        -- The last day has at least one; the days of a long walk before it are leaves not worth looking into.
        and p.recorded_at >= greatest(p_journey.points_from, p_journey.points_until - interval '2 days')
        and p.recorded_at < p_journey.points_until
        and p.cell = any(p_journey.cells)
    order by p.recorded_at desc
    limit 1;
    return v_point;
end
$$;

comment on function core.newest_point(core.journeys) is 'The position of a walk that was recorded last; null without any.';
revoke all on function core.newest_point(core.journeys) from public;
grant execute on function core.newest_point(core.journeys) to saferoute_api, saferoute_live, saferoute_tasks;

-- source: sql/schema/922_alerts.sql sha256:3436a85a37d968a685c0e0a352d8694ca604d0769dc0924d2173199d27e898a0
-- The second wall around alerts: a walker has their own; who was told of one, in the app or by link, has that one; workers
-- see everybody's, and no app role is a worker.
do $$
declare
    v_table text;
begin
    foreach v_table in array array[
        'alerts', 'alert_deliveries', 'alert_events', 'alert_links', 'alert_settings', 'inboxes', 'inbox_entries',
        'notification_endpoints'
    ] loop
        execute format('alter table core.%I enable row level security', v_table);
        execute format('drop policy if exists own_rows on core.%I', v_table);
        execute format(
            'create policy own_rows on core.%I to saferoute_api using (user_id = (select core.current_user_id()))', v_table
        );
        execute format('drop policy if exists every_row on core.%I', v_table);
        execute format('create policy every_row on core.%I to saferoute_tasks using (true)', v_table);
    end loop;
    -- Of whose walk it is, and whom to tell: also for sweeps and reports.
    foreach v_table in array array['contacts', 'journeys', 'journey_points'] loop
        execute format('drop policy if exists every_row on core.%I', v_table);
        execute format('create policy every_row on core.%I for select to saferoute_tasks using (true)', v_table);
    end loop;
    foreach v_table in array array['alerts', 'alert_deliveries', 'alert_events'] loop
        execute format('drop policy if exists opened on core.%I', v_table);
        execute format(
            'create policy opened on core.%I to saferoute_api using (alert_id = (select core.opened_alert_id()))', v_table
        );
    end loop;
end
$$;

alter table core.alert_chains enable row level security;
drop policy if exists of_alerts on core.alert_chains;
create policy of_alerts on core.alert_chains to saferoute_api, saferoute_tasks
using (exists (
    select from core.alerts as a
    where a.alert_id = alert_chains.alert_id
));

drop policy if exists by_link on core.alert_links;
create policy by_link on core.alert_links for select to saferoute_api
using (digest = (select core.shown_alert_link()));

-- What a walker's call writes to their contacts: an entry about themselves, in an inbox of a contact of theirs.
drop policy if exists of_contacts on core.inboxes;
create policy of_contacts on core.inboxes to saferoute_api
using (user_id in (
    select c.contact_user_id from core.contacts as c
    where c.user_id = (select core.current_user_id())
));
drop policy if exists told_by_walker on core.inbox_entries;
create policy told_by_walker on core.inbox_entries for insert to saferoute_api
with check (walker_id = (select core.current_user_id()));
drop policy if exists of_contacts on core.notification_endpoints;
create policy of_contacts on core.notification_endpoints for select to saferoute_api
using (user_id in (
    select c.contact_user_id from core.contacts as c
    where c.user_id = (select core.current_user_id())
));

drop policy if exists watched on core.inboxes;
create policy watched on core.inboxes for select to saferoute_live using (true);
drop policy if exists watched on core.inbox_entries;
create policy watched on core.inbox_entries for select to saferoute_live using (true);

-- source: sql/schema/925_sendable_deliveries.sql sha256:588df0203b2c03b781997b18785356963b6ada837699c50adb7d3d684a989881
-- One condition for whoever claims, queues and counts: a message that may go out, and only that.
create or replace view core.sendable_deliveries with (security_invoker = true) as
select d.*
from core.alert_deliveries as d
where
    d.state = 'queued' and d.channel <> 'live' and d.address is not null
    and d.next_attempt_at <= clock_timestamp()
    -- Told tier by tier: not before its own, and not after somebody has taken care.
    and exists (
        select from core.alerts as a
        where
            a.alert_id = d.alert_id
            and (a.ended_at is null and a.tier >= d.tier or d.kind not in ('alert', 'duress'))
    );
comment on view core.sendable_deliveries is 'Messages about alerts that a provider is to have now; a worker may be sending one at the moment (claimed_until).';
grant select, update on core.sendable_deliveries to saferoute_tasks;

-- source: sql/schema/926_watches.sql sha256:0d6d50cd2e03c546324da068af60395b01ee07ea35a42f5667f7194b1e204432
-- The second wall around watched walks: a walker has their own; the sweep looks after everybody's, and the live gateway
-- shows what live.* lets through. No app role calls either.
do $$
declare
    v_table text;
begin
    foreach v_table in array array['watches', 'journey_events', 'journey_shares', 'geofences'] loop
        execute format('alter table core.%I enable row level security', v_table);
        execute format('drop policy if exists own_rows on core.%I', v_table);
        execute format(
            'create policy own_rows on core.%I to saferoute_api using (user_id = (select core.current_user_id()))', v_table
        );
    end loop;
    foreach v_table in array array['watches', 'journey_events', 'geofences'] loop
        execute format('drop policy if exists every_row on core.%I', v_table);
        execute format('create policy every_row on core.%I to saferoute_tasks using (true)', v_table);
    end loop;
    foreach v_table in array array[
        'watches', 'journey_events', 'journey_shares', 'journeys', 'journey_points', 'contacts', 'alerts'
    ] loop
        execute format('drop policy if exists watched on core.%I', v_table);
        execute format('create policy watched on core.%I for select to saferoute_live using (true)', v_table);
    end loop;
end
$$;

-- source: sql/schema/928_reports.sql sha256:5d76c4b2d820c286003a2b2175c9fd8e0698bea8b5655612639ab6757dca9af2
-- The second wall around reports: a person has their own; workers make everybody's, and no app role calls them.
alter table core.reports enable row level security;
drop policy if exists own_rows on core.reports;
create policy own_rows on core.reports to saferoute_api
using (user_id = (select core.current_user_id()));
drop policy if exists every_row on core.reports;
create policy every_row on core.reports to saferoute_tasks using (true);

-- source: sql/schema/941_replication_health.sql sha256:6942dd70606bba3967dc4cebc8f318f6eae8ca2f57c90c36374a88dd403c92f4
-- Who follows this server. A standby that is away has a slot still, which keeps WAL for it.
create or replace view ops.replication_health as
with links as (
    select
        n.name,
        n.name = any(l.lag_tolerant) as is_lag_tolerant,
        l.max_replay_lag_s,
        r.client_addr as address,
        coalesce(r.state, 'absent') collate "default" as link,
        r.sync_state,
        r.backend_start as connected_at,
        pg_wal_lsn_diff(e.lsn, r.sent_lsn)::bigint as unsent_bytes,
        pg_wal_lsn_diff(e.lsn, r.flush_lsn)::bigint as unflushed_bytes,
        pg_wal_lsn_diff(e.lsn, r.replay_lsn)::bigint as unreplayed_bytes,
        -- PostgreSQL forgets them once a standby has it all.
        coalesce(r.flush_lag, case when r.flush_lsn >= e.lsn then interval '0' end) as flush_lag,
        coalesce(r.replay_lag, case when r.replay_lsn >= e.lsn then interval '0' end) as replay_lag,
        s.slot_name::text collate "default" as slot,
        pg_wal_lsn_diff(e.lsn, s.restart_lsn)::bigint as retained_bytes,
        s.safe_wal_size as spare_bytes,
        s.wal_status
    from pg_catalog.pg_stat_replication as r
    full join (
        -- On a standby, slots without a stream are Patroni's copies of those of the primary.
        select p.* from pg_catalog.pg_replication_slots as p
        where p.slot_type = 'physical' and (p.active or not pg_is_in_recovery())
    ) as s on r.pid = s.active_pid
    cross join ops.replication_limits() as l
    cross join lateral (select coalesce(r.application_name, s.slot_name::text) collate "default" as name) as n
    cross join lateral (
        select case when pg_is_in_recovery() then pg_last_wal_receive_lsn() else pg_current_wal_lsn() end as lsn
    ) as e
),

problems as (
    select
        l.name,
        l.slot,
        max(p.severity) as severity,
        array_agg(p.sentence order by p.severity desc, p.sentence asc) as sentences
    from links as l
    cross join
        lateral (
            values
            (
                2, l.wal_status = 'lost',
                'The WAL it lacks is gone from this server: it has to be copied anew (saferoute replicas add).'
            ),
            (
                2, l.wal_status = 'unreserved',
                'The WAL it lacks goes with the next checkpoint: it has to catch up now.'
            ),
            (
                case when l.is_lag_tolerant then 1 else 2 end, l.link = 'absent' and l.wal_status is distinct from 'lost',
                'It does not stream: it is down, cut off, or may not sign in (its log says). If it is gone for good, remove it (saferoute replicas remove): this server keeps WAL for it.'
            ),
            (
                1, l.link in ('startup', 'catchup'),
                'It is catching up with what was written while it was away.'
            ),
            (
                2, not l.is_lag_tolerant and l.replay_lag > make_interval(secs => l.max_replay_lag_s),
                format(
                    'It shows changes %s s late, more than %s.',
                    round(extract(epoch from l.replay_lag)), l.max_replay_lag_s
                )
            )
        ) as p (severity, applies, sentence)
    where p.applies
    group by l.name, l.slot
)

select
    l.name,
    case p.severity when 2 then 'red' when 1 then 'yellow' else 'green' end as state,
    coalesce(p.sentences, '{}') as problems,
    l.is_lag_tolerant,
    l.address,
    l.link,
    l.sync_state,
    l.connected_at,
    l.unsent_bytes,
    l.unflushed_bytes,
    l.unreplayed_bytes,
    round(extract(epoch from l.flush_lag), 3) as flush_lag_s,
    round(extract(epoch from l.replay_lag), 3) as replay_lag_s,
    l.slot,
    l.retained_bytes,
    l.spare_bytes,
    l.wal_status
from links as l
left join problems as p on l.name = p.name and l.slot is not distinct from p.slot;

comment on view ops.replication_health is 'Who follows this server: one row per standby that streams from it or has a slot on it. On the primary that is every standby; on a standby whoever cascades from it, mostly nobody. See ops.replay_health for the other side.';
comment on column ops.replication_health.name is 'Application name of the standby, which is that of its slot; the slot''s where nothing streams.';
comment on column ops.replication_health.state is 'red: it is of no use, or will not be; yellow: something to see to; green.';
comment on column ops.replication_health.problems is 'What is wrong, red before yellow, and what helps.';
comment on column ops.replication_health.is_lag_tolerant is 'Whether it may be behind, as the analysts'' standby may (ops.replication_limits).';
comment on column ops.replication_health.address is 'Where it connects from; null where it does not, or through a Unix socket.';
comment on column ops.replication_health.link is 'streaming; catchup (it is sent what it missed); startup; backup (a base backup is being taken); stopping; absent (a slot that nothing streams from).';
comment on column ops.replication_health.sync_state is 'sync or quorum: commits wait for it, or for some of those that say so; potential: they would if another went; async: they do not. Null where it does not stream.';
comment on column ops.replication_health.connected_at is 'Since when it has been streaming.';
comment on column ops.replication_health.unsent_bytes is 'WAL that this server has written and not sent to it, in bytes.';
comment on column ops.replication_health.unflushed_bytes is 'WAL that is not safe on its disk yet, in bytes: lost if this server is lost now and it takes over, unless commits waited.';
comment on column ops.replication_health.unreplayed_bytes is 'WAL that its reads do not show yet, in bytes.';
comment on column ops.replication_health.flush_lag_s is 'Seconds between a write here and its being safe there, as last measured; 0 where it has everything.';
comment on column ops.replication_health.replay_lag_s is 'Seconds between a write here and its being shown there, as last measured; 0 where it has everything. It grows while replay is paused.';
comment on column ops.replication_health.slot is 'Its replication slot on this server, which keeps WAL for it; null without one.';
comment on column ops.replication_health.retained_bytes is 'WAL that the slot keeps on this server''s disk, in bytes.';
comment on column ops.replication_health.spare_bytes is 'How much more may be written before the slot gives up (max_slot_wal_keep_size), in bytes; null without a limit.';
comment on column ops.replication_health.wal_status is 'Of what the slot keeps: reserved; extended (more than max_wal_size); unreserved (about to be removed); lost (removed: the standby has to be copied anew).';
grant select on ops.replication_health to operator;

-- source: sql/schema/942_replay_health.sql sha256:62bff9d0612f388b95890a1df50320912e53ea39bf90e3faa00dd4fe47cc88d7
-- How this server follows another: a row on a standby, none on a primary.
create or replace view ops.replay_health as
with replay as (
    select
        coalesce(nullif(current_setting('primary_slot_name'), ''), current_setting('cluster_name')) as name,
        l.lag_tolerant,
        p.timeline,
        r.sender_host || ':' || r.sender_port as upstream,
        coalesce(r.status, 'absent') as link,
        r.last_msg_receipt_time as last_heard_at,
        pg_wal_lsn_diff(greatest(pg_last_wal_receive_lsn(), p.lsn), p.lsn)::bigint as unreplayed_bytes,
        case
            when r.status is null then null
            when pg_last_wal_receive_lsn() <= p.lsn then interval '0'
            when pg_last_xact_replay_timestamp() < clock_timestamp() then clock_timestamp() - pg_last_xact_replay_timestamp()
        end as replay_lag,
        pg_last_xact_replay_timestamp() as shows_until,
        pg_get_wal_replay_pause_state() as replay,
        c.confl_tablespace,
        c.confl_lock,
        c.confl_snapshot,
        c.confl_bufferpin,
        c.confl_deadlock
    from ops.wal_position() as p
    cross join ops.replication_limits() as l
    left join pg_catalog.pg_stat_wal_receiver as r on true
    left join pg_catalog.pg_stat_database_conflicts as c on c.datname = current_database()
    where p.is_standby
),

judged as (
    select
        r.*,
        r.name = any(r.lag_tolerant) as is_lag_tolerant
    from replay as r
),

problems as (
    select
        max(p.severity) as severity,
        array_agg(p.sentence order by p.severity desc, p.sentence asc) as sentences
    from judged as j
    cross join
        lateral (
            values
            (
                case when j.is_lag_tolerant then 1 else 2 end, j.link <> 'streaming',
                'It receives nothing: the primary is down, cut off, or refuses it (the log of this server says).'
            ),
            (
                case when j.is_lag_tolerant then 1 else 2 end, j.replay <> 'not paused',
                'Replay is paused: select pg_wal_replay_resume() as a superuser goes on with it.'
            )
        ) as p (severity, applies, sentence)
    where p.applies
)

select
    j.name,
    case p.severity when 2 then 'red' when 1 then 'yellow' else 'green' end as state,
    coalesce(p.sentences, '{}') as problems,
    j.is_lag_tolerant,
    j.timeline,
    j.upstream,
    j.link,
    j.last_heard_at,
    j.replay,
    j.unreplayed_bytes,
    round(extract(epoch from j.replay_lag), 3) as replay_lag_s,
    j.shows_until,
    j.confl_tablespace as cancelled_by_tablespace,
    j.confl_lock as cancelled_by_lock,
    j.confl_snapshot as cancelled_by_snapshot,
    j.confl_bufferpin as cancelled_by_bufferpin,
    j.confl_deadlock as cancelled_by_deadlock
from judged as j
cross join problems as p;

comment on view ops.replay_health is 'How this server follows another: one row on a standby, none on a primary. See ops.replication_health for the other side.';
comment on column ops.replay_health.name is 'Its name on the primary: that of its slot, as in ops.replication_health.';
comment on column ops.replay_health.state is 'red: what it shows is old, or will be; yellow: something to see to; green.';
comment on column ops.replay_health.problems is 'What is wrong, red before yellow, and what helps.';
comment on column ops.replay_health.is_lag_tolerant is 'Whether it may be behind, as the analysts'' standby may (ops.replication_limits).';
comment on column ops.replay_health.timeline is 'The timeline it replays. It grows by one with every promotion; a standby on an older one than the primary does not follow it.';
comment on column ops.replay_health.upstream is 'The server it streams from, host:port; null where it does not.';
comment on column ops.replay_health.link is 'State of its WAL receiver: streaming, starting, waiting, ...; absent where there is none.';
comment on column ops.replay_health.last_heard_at is 'When it last received a message from there, by its own clock.';
comment on column ops.replay_health.replay is 'not paused, pause requested or paused (pg_wal_replay_pause).';
comment on column ops.replay_health.unreplayed_bytes is 'WAL that it has and does not show yet, in bytes.';
comment on column ops.replay_health.replay_lag_s is 'At most so many seconds old is what it shows: since the last commit it has replayed was made, by the clocks of both servers. 0 where it has replayed all that it has received; null where it receives nothing, or has replayed no commit since it was started. After an hour without writes it is an hour for the moment that the next one takes: ops.replication_health tells it exactly.';
comment on column ops.replay_health.shows_until is 'When the last commit that it shows was made, by the primary''s clock. Without writes it stands still.';
comment on column ops.replay_health.cancelled_by_tablespace is 'Queries of this database that replay has cancelled since its statistics were reset: a tablespace was dropped.';
comment on column ops.replay_health.cancelled_by_lock is 'The same: a table was altered, detached or dropped.';
comment on column ops.replay_health.cancelled_by_snapshot is 'The same: rows that the query might still have seen were vacuumed.';
comment on column ops.replay_health.cancelled_by_bufferpin is 'The same: the query held a page that vacuum was to clean.';
comment on column ops.replay_health.cancelled_by_deadlock is 'The same: query and replay waited for each other.';
grant select on ops.replay_health to operator;

-- source: sql/schema/943_connection_budget.sql sha256:75be41136374b2102c30871393851b8efec168bfdf0fd3a4f5963805a3a7789c
-- Who may have how many connections to this server, and has.
create or replace view ops.connection_budget as
with bounds as (
    select
        current_setting('max_connections')::integer as most,
        current_setting('superuser_reserved_connections')::integer
        + coalesce(current_setting('reserved_connections', true), '0')::integer as reserved -- since PostgreSQL 16
),

-- Streams of standbys are counted apart, by max_wal_senders.
open as (
    select
        r.rolname,
        r.rolsuper,
        count(*)::integer as used
    from pg_catalog.pg_stat_activity as a
    inner join pg_catalog.pg_roles as r on a.usesysid = r.oid
    where a.backend_type = 'client backend'
    group by r.rolname, r.rolsuper
),

shares as (
    select
        1 as place,
        r.rolname::text as consumer,
        nullif(r.rolconnlimit, -1) as allowed,
        o.used
    from pg_catalog.pg_roles as r
    left join open as o on r.rolname = o.rolname
    where r.rolname in ('worker', 'saferoute_owner', 'operator')
    union all
    select
        2 as place,
        'superusers' as consumer,
        b.reserved as allowed,
        sum(o.used)::integer as used
    from bounds as b
    left join open as o on o.rolsuper
    group by b.reserved
    union all
    select
        3 as place,
        'others' as consumer,
        null as allowed,
        sum(o.used)::integer as used
    from open as o
    where not o.rolsuper and o.rolname not in ('authenticator', 'worker', 'saferoute_owner', 'operator')
)

select
    s.consumer,
    s.allowed,
    coalesce(s.used, 0) as used
from (
    select
        0 as place,
        'authenticator' as consumer,
        b.most - (select sum(s.allowed) from shares as s)::integer as allowed,
        o.used
    from bounds as b
    left join open as o on o.rolname = 'authenticator'
    union all
    select * from shares
    union all
    select
        4 as place,
        'everybody' as consumer,
        b.most as allowed,
        (select sum(o.used)::integer from open as o) as used
    from bounds as b
) as s
order by s.place, s.consumer;

comment on view ops.connection_budget is 'Who may have how many connections to this server, and has. What is left to authenticator, which is the API, is what SAFEROUTE_DATABASE_CONNECTIONS may be at most.';
comment on column ops.connection_budget.consumer is 'A role; superusers; all other roles; everybody.';
comment on column ops.connection_budget.allowed is 'Of a role its CONNECTION LIMIT (ALTER ROLE changes it), of superusers what is reserved for them, of authenticator what all these leave of max_connections. Null: not limited.';
comment on column ops.connection_budget.used is 'Connections that are open now. Superusers may have more than is reserved for them.';
grant select on ops.connection_budget to operator;

-- by hand: last
