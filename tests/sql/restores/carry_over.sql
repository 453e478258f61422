-- What must not be undone when the database goes back: it is told before, and brought in after.
begin;
select plan(10);

insert into core.users (user_id, phone, phone_verified_at, password_hash, language)
values
('00000000-0000-4000-8000-000000000001', '+37799000001', now(), '$argon2id$', 'en'),
('00000000-0000-4000-8000-000000000002', '+37799000002', now(), '$argon2id$', 'en');
insert into core.contacts (contact_id, user_id, name, from_name, channel, address, language, priority, state)
select
    ('00000000-0000-4000-9000-00000000000' || n)::uuid,
    '00000000-0000-4000-8000-000000000001',
    'Ben',
    'Zoe',
    'sms',
    '+3779900010' || n,
    'en',
    n,
    'accepted'
from generate_series(1, 3) as n;
insert into core.inboxes (user_id, last_sequence) values ('00000000-0000-4000-8000-000000000001', 40);
insert into core.api_keys (api_key_id, name, contact, digest, scopes)
values ('00000000-0000-4000-a000-000000000001', 'app', 'a@b.example', sha256('key'), '{routes}');
insert into core.partition_archives (
    archive_id, parent, lower_bound, upper_bound, file_name, file_digest, file_bytes, row_count, leaf_rows
) overriding system value
values (
    7, 'core.journey_points', '2026-01-01', '2026-01-02', 'first.dump', 'digest', 1, 1, '{}'
);

-- After the moment: somebody is erased, contacts say no or are removed, numbers are given out, an archive is written anew.
create temporary table erasure as
select core.begin_erasure('00000000-0000-4000-8000-000000000002') as erasure_id;
delete from core.users
where user_id = '00000000-0000-4000-8000-000000000002';
create temporary table receipt as select core.finish_erasure(erasure_id, '0/1', '{}') as entry from erasure;
do $$
begin
    perform core.answer_invitation(c, 'withdrawn', 'reply') from core.contacts as c where c.priority = 1;
    perform core.remove_contact('00000000-0000-4000-8000-000000000001', '00000000-0000-4000-9000-000000000002');
    perform setval('core.maintenance_runs_run_id_seq', 900);
end
$$;
update core.inboxes set last_sequence = 50;
update core.api_keys set revoked_at = now();
insert into core.partition_archives (
    archive_id, parent, lower_bound, upper_bound, file_name, file_digest, file_bytes, row_count, leaf_rows, dropped_at
) overriding system value
values (
    8, 'core.journey_points', '2026-01-01', '2026-01-02', 'second.dump', 'digest', 1, 1, '{}', now()
);
update core.partition_archives set superseded_by = 8
where archive_id = 7;
set local role saferoute_owner;
create temporary table kept as select core.what_outlives_a_restore(now() - interval '1 minute') as kept;
reset role;

-- The moment is back.
delete from core.erasures;
delete from core.contact_consents;
delete from core.partition_archives
where archive_id = 8;
update core.api_keys set revoked_at = null;
update core.inboxes set last_sequence = 40;
update core.contacts set state = 'accepted';
insert into core.contacts (contact_id, user_id, name, from_name, channel, address, language, priority, state)
values (
    '00000000-0000-4000-9000-000000000002', '00000000-0000-4000-8000-000000000001', 'Ben', 'Zoe', 'sms', '+37799000102', 'en', 2,
    'accepted'
);
insert into core.users (user_id, phone, phone_verified_at, password_hash, language)
values ('00000000-0000-4000-8000-000000000002', '+37799000002', now(), '$argon2id$', 'en');
do $$ begin perform setval('core.maintenance_runs_run_id_seq', 800); end $$;

set local role saferoute_owner;
create temporary table carried as select core.carry_over(kept) as digests from kept;
reset role;

select is(
    (select digests from carried), array[core.user_digest('00000000-0000-4000-8000-000000000002')], 'who was erased is to be erased again'
);
select is(
    (select core.find_erased(digests[1]) from carried), '00000000-0000-4000-8000-000000000002'::uuid, 'and is found by the digest'
);
select is(
    (select core.receipt_digest(core.erasure_receipt(erasure_id)) from erasure),
    (select entry ->> 'digest' from receipt),
    'the receipt stands in the ledger, and is genuine'
);
select results_eq(
    'select priority::integer, state from core.contacts order by priority',
    $$values (1, 'withdrawn'), (3, 'accepted')$$,
    'a no stays a no, and who was removed stays away'
);
select is(
    (
        select count(*) from core.contact_consents
        where event in ('withdrawn', 'removed')
    ), 2::bigint, 'the ledger says so'
);
select is((select last_sequence from core.inboxes), 50::bigint, 'no number of an inbox is given out twice');
select is(nextval('core.maintenance_runs_run_id_seq'), 901::bigint, 'nor any other');
select isnt((select revoked_at from core.api_keys), null, 'a revoked key stays revoked');
select results_eq(
    'select archive_id, superseded_by from core.partition_archives order by archive_id',
    $$values (7::bigint, 8::bigint), (8, null)$$,
    'archives that were written since are known, so that erasures reach them'
);
set local role saferoute_owner;
select is((select core.carry_over(kept) from kept), '{}', 'a second time there is nothing to do');

select * from finish();
rollback;
