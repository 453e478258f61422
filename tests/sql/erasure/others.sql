-- Nobody but the owner erases, exports or reads the receipts; operators see them without whose they are.
begin;
select plan(45);

select
    is_empty(
        format($$
        select p.oid::regprocedure from pg_proc as p
        where p.proname in (
            'begin_erasure', 'erase_user', 'erase_points', 'erase_rows', 'erase_leftovers', 'finish_erasure', 'note_archive',
            'note_removed', 'remove_erased', 'export_user_data', 'count_user_rows', 'user_archives', 'user_tables', 'user_digest', 'find_erased', 'user_addresses'
        ) and has_function_privilege(%L, p.oid, 'execute')$$, r),
        format('%s calls none of the functions', r)
    )
from unnest('{web_anon,authenticated,integrator,authenticator,saferoute_api,worker,analyst,operator,replicator}'::text[]) as r;

select
    is_empty(
        format($$select c from unnest('{select,insert,update,delete,truncate}'::text []) as c where has_table_privilege(%L, %L, c)$$, r, t),
        format('%s has no right on %s', r, t)
    )
from unnest('{web_anon,authenticated,integrator,authenticator,saferoute_api,worker,analyst,operator,replicator}'::text[]) as r,
    unnest('{core.erasures,core.user_data}'::text[]) as t;

select
    is_empty(
        format($$select 1 where has_table_privilege(%L, 'ops.erasures', 'select')$$, r),
        format('%s does not see the operators'' view', r)
    )
from unnest('{web_anon,authenticated,integrator,authenticator,saferoute_api,worker,analyst,replicator}'::text[]) as r;

insert into core.erasures (user_digest, removed) values (core.user_digest('00000000-0000-4000-8000-000000000001'), '{}');
set local role operator;
select isnt_empty($$select * from ops.erasures where finished_at is null$$, 'an operator sees that an erasure is open');
select hasnt_column('ops', 'erasures', 'user_digest', 'but not whose');
reset role;

select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select throws_ok($$select * from core.erase_user('00000000-0000-4000-8000-000000000002')$$, '42501', null, 'a person erases nobody');
select throws_ok($$select * from core.erasures$$, '42501', null, 'and reads no receipts');
reset role;
select tests.call_anonymously();
select throws_ok($$select * from core.erase_user('00000000-0000-4000-8000-000000000002')$$, '42501', null, 'nor does a stranger erase');
reset role;
set local role analyst;
select throws_ok($$select * from core.erase_user('00000000-0000-4000-8000-000000000002')$$, '42501', null, 'nor an analyst');
select throws_ok($$select * from core.user_tables()$$, '42501', null, 'who does not even learn where to look');
reset role;
set local role operator;
select throws_ok($$select * from core.erase_user('00000000-0000-4000-8000-000000000002')$$, '42501', null, 'nor an operator');
select throws_ok(
    $$select core.export_user_data('core.journeys', 'user_id', '00000000-0000-4000-8000-000000000002')$$, '42501', null, 'who exports nobody'
);
select throws_ok($$select * from core.erasures$$, '42501', null, 'nor reads the receipts themselves');
reset role;

select * from finish();
rollback;
