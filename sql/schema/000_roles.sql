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
