-- Functions with one trait each, for the contract tests.
create function api.where_read() returns json
language sql stable security definer set search_path = pg_catalog
as $$
select json_build_object(
    'is_standby', pg_is_in_recovery(),
    'role', current_setting('role'),
    'read_only', current_setting('transaction_read_only'),
    'claims', current_setting('request.jwt.claims')::json,
    'method', current_setting('request.method'),
    'path', current_setting('request.path'),
    'headers', current_setting('request.headers')::json)
$$;

create function api.where_written() returns boolean language sql volatile as $$select pg_is_in_recovery()$$;

create sequence api.calls;
grant usage on sequence api.calls to web_anon, authenticated;
create function api.count_call() returns bigint language sql volatile as $$select nextval('api.calls')$$;
create function api.sneaky_write() returns bigint language sql stable as $$select nextval('api.calls')$$;

create function api.echo(words text, times integer default 1) returns text
language sql immutable as $$select repeat(words, times)$$;
create function api.echo_types(
    number float8 default null, flag boolean default null, day date default null,
    list integer[] default null, document json default null, binary_document jsonb default null
) returns json language sql immutable
as $$select json_build_array(number, flag, day, list, document, binary_document)$$;
create function api."Two Words"("first word" text) returns text language sql immutable as $$select $1$$; -- noqa: RF05
create function api.whole(json) returns text language sql immutable as $$select json_typeof($1)$$;

create function api.nothing() returns text language sql stable as $$select null::text$$;
create function api.rows() returns table (number integer, name text)
language sql stable as $$values (1, 'one'), (2, 'two')$$;
create function api.no_rows() returns table (number integer) language sql stable as $$select 1 where false$$;
create function api.numbers() returns setof integer language sql stable as $$values (1), (2)$$;
create function api.pair(out number integer, out name text) language sql stable as $$select 1, 'one'$$;
create function api.do_nothing() returns void language sql volatile as '';

create function api.read_and_fail() returns void language plpgsql stable
as $$begin raise exception 'read' using errcode = 'SR018', detail = 'because', hint = 'try'; end$$;
create function api.fail_with(state text) returns void language plpgsql stable
as $$begin raise exception 'failed' using errcode = state; end$$;
create function api.wait(seconds float8) returns void language sql stable as $$select pg_sleep(seconds)$$;

create function api.members_only() returns text language sql stable as $$select current_user::text$$;
revoke execute on function api.members_only() from public;
grant execute on function api.members_only() to authenticated;
create function api.nobody() returns text language sql stable as $$select 'x'$$;
revoke execute on function api.nobody() from public;

create table api.note (written bigint not null);
insert into api.note values (0);
create function api.write_note(value bigint, seconds float8 default 0) returns void
language sql volatile security definer set search_path = pg_catalog
as $$select pg_sleep(seconds); update api.note set written = value$$;
create function api.read_note() returns json
language sql stable security definer set search_path = pg_catalog
as $$select json_build_object('written', n.written, 'is_standby', pg_is_in_recovery()) from api.note as n$$;
create table api.empty_note ();
create function api.read_note_slowly(seconds float8) returns json
language plpgsql stable security definer set search_path = pg_catalog
as $$
begin
    perform from api.empty_note;
    perform pg_sleep(seconds);
    return json_build_object('is_standby', pg_is_in_recovery());
end
$$;

create function api.wait_writing(seconds float8) returns void language sql volatile as $$select pg_sleep(seconds)$$;
create function api.call_for_help(seconds float8 default 0) returns boolean
language sql volatile as $$select pg_is_in_recovery() from pg_sleep(seconds)$$;
create function api.look_at_help(seconds float8 default 0) returns boolean
language sql stable as $$select pg_is_in_recovery() from pg_sleep(seconds)$$;
insert into core.endpoints values ('call_for_help', 'sos'), ('look_at_help', 'sos');

-- Both tell the statements that led to them.
create function api.statement() returns text language plpgsql stable
as $$declare stack text; begin get diagnostics stack = pg_context; return stack; end$$;
create function api."Odd*'--"() returns text language plpgsql stable -- noqa: RF05
as $$declare stack text; begin get diagnostics stack = pg_context; return stack; end$$;

-- What is done once for each Idempotency-Key.
create table api.orders (item text, ordered_at timestamptz default clock_timestamp());
grant select, insert on api.orders to authenticated, integrator;
create function api.place_order(item text) returns json language sql volatile
as $$insert into api.orders (item) values (item) returning json_build_object('item', item, 'at', ordered_at)$$;
create function api.place_quietly(item text) returns void language sql volatile
as $$insert into api.orders (item) values (item)$$;
create function api.place_and_say_so(item text) returns json language plpgsql volatile as $$
begin
    perform set_config('response.status', '201', true), set_config('response.headers', '[{"Location": "/orders/1"}]', true);
    return api.place_order(item);
end $$;
create function api.place_if_known(item text) returns json language plpgsql volatile security definer
set search_path = core as $$
begin
    insert into api.orders (item) values (item);
    if (select count(*) from api.orders as o where o.item = place_if_known.item) < 2 then
        return core.refuse('SR042');
    end if;
    return '"known"';
end $$;
create function api.place_on_second_try(item text) returns json language plpgsql volatile as $$
begin
    perform api.place_order(item);
    if not exists (select from api.orders as o where o.item = 'second try') then
        raise 'not yet';
    end if;
    return '"done"';
end $$;
create function api.place_slowly(item text) returns json language plpgsql volatile as $$
begin
    perform pg_advisory_xact_lock(174174);
    return api.place_order(item);
end $$;

create function api.raise_as(state text, message text, detail text default '') returns void language plpgsql stable
as $$begin raise exception using errcode = state, message = message, detail = detail; end$$;
create function api.answer_with(headers text, status text default '') returns text language plpgsql stable
as $$
begin
    perform set_config('response.headers', headers, true), set_config('response.status', status, true);
    return 'x';
end
$$;
