-- What others cannot do with somebody's walk and reports.
begin;
select plan(19);

select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select api.start_journey('00000000-0000-7000-8000-000000000001', -77.03, 38.9);
select api.request_report('00000000-0000-7000-8000-000000000101', 'gpx', '{"journey_id": "00000000-0000-7000-8000-000000000001"}');
select api.request_report('00000000-0000-7000-8000-000000000102', 'export');
reset role;
update core.reports set state = 'ready', media_type = 'text/plain', content = 'walk'
where kind = 'gpx';
update core.reports
set state = 'ready', media_type = 'text/plain', content = 'all', expires_at = now()
where kind = 'export';

select tests.authenticate_as('00000000-0000-4000-8000-000000000002');
select throws_ok(
    $$select api.request_report('00000000-0000-7000-8000-000000000201', 'journey_report', '{"journey_id": "00000000-0000-7000-8000-000000000001"}')$$,
    'SR002', null, 'another walker gets no report of the walk'
);
select throws_ok($$select api.report_status('00000000-0000-7000-8000-000000000101')$$, 'SR100', null, 'nor sees the report');
select throws_ok($$select api.report_content('00000000-0000-7000-8000-000000000101')$$, 'SR100', null, 'nor reads it');
select throws_ok(
    $$select api.request_report('00000000-0000-7000-8000-000000000101', 'gpx', '{"journey_id": "00000000-0000-7000-8000-000000000001"}')$$,
    'SR002', null, 'nor by asking the same'
);
select throws_ok(
    $$select api.request_report('00000000-0000-7000-8000-000000000101', 'export')$$, 'SR110', null, 'nor by its id'
);
select lives_ok($$select api.remove_report('00000000-0000-7000-8000-000000000101')$$, 'to remove it does nothing');
select is(api.my_reports()::text, '[]', 'it is in no list of theirs');
select throws_ok(
    $$select tasks.claim_report('00000000-0000-7000-8000-000000000101')$$, '42501', null, 'and they are no worker'
);
reset role;
select is((select count(*) from core.reports), 2::bigint, 'both are still there');

select tests.authenticate_as('00000000-0000-4000-8000-000000000001');
select lives_ok($$select api.report_content('00000000-0000-7000-8000-000000000101')$$, 'who asked for it reads it');
select throws_ok(
    $$select api.report_content('00000000-0000-7000-8000-000000000102')$$, 'SR100', null, 'until it expires'
);
select is(json_array_length(api.my_reports()), 1, 'then it is in no list');

select tests.call_anonymously();
select throws_ok($$select api.request_report(gen_random_uuid(), 'export')$$, '42501', null, 'who is not signed in asks for nothing');
select throws_ok($$select api.report_content('00000000-0000-7000-8000-000000000101')$$, '42501', null, 'and reads nothing');
reset role;

set local role worker;
select throws_ok($$select content from core.reports$$, '42501', null, 'a worker reads no table');
select is(tasks.claim_report('00000000-0000-7000-8000-000000000101')::text, null, 'and takes nothing that is made');
select is(tasks.report_facts(gen_random_uuid())::text, null, 'a claim that is none leads to nobody''s walk');
select tasks.sweep_reports();
reset role;
select is((select array_agg(kind) from core.reports), '{gpx}', 'the sweep removes what has expired');

-- An export would hold all reports that were made, exports among them.
select unalike(
    core.export_user_data('core.reports', 'user_id', '00000000-0000-4000-8000-000000000001'), '%"content"%',
    'an export has no content of reports in it'
);

select * from finish();
rollback;
