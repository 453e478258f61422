-- The states of a watched walk: every step there is, and none that there is not. The clock is an argument.
begin;
select plan(46);

create function pg_temp.walker() returns uuid language sql immutable as $$select '00000000-0000-4000-8000-000000000001'::uuid$$;
create function pg_temp.walk(p_n integer default 1) returns uuid language sql immutable as $$
select ('00000000-0000-7000-8000-' || lpad(p_n::text, 12, '0'))::uuid
$$;
create function pg_temp.at(p_minutes float8) returns timestamptz language sql stable as $$
select date_trunc('second', now()) - interval '4 hours' + p_minutes * interval '1 minute'
$$;
-- What the worker does every few seconds, at this minute.
create function pg_temp.sweep(p_minutes float8) returns void language plpgsql as $$
begin
    set local session authorization worker;
    while (tasks.sweep_journeys(pg_temp.at(p_minutes)) ->> 'is_more')::boolean loop null; end loop;
    while tasks.sound_alarm(pg_temp.at(p_minutes)) is not null loop null; end loop;
    reset session authorization;
end
$$;
create function pg_temp.state(p_n integer default 1) returns text language sql stable as $$
select concat_ws(' ', w.state, w.reason) from core.watches as w where w.journey_id = pg_temp.walk(p_n)
$$;
create function pg_temp.check_in(p_minutes float8, p_n integer default 1) returns void language sql as $$
select core.check_in(pg_temp.walker(), pg_temp.walk(p_n), pg_temp.at(p_minutes))
$$;
-- Watched from minute 0 on for the arrival at minute 30, with five minutes to react.
create function pg_temp.watch(p_n integer, p_starts float8 default 0, p_expected float8 default 30) returns text language plpgsql as $$
begin
    perform set_config('request.jwt.claims', json_build_object('role', 'authenticated', 'sub', pg_temp.walker())::text, true);
    perform core.start_journey(pg_temp.walker(), pg_temp.walk(p_n), -77.03, 38.9, -77.02, 38.91, pg_temp.at(0));
    perform core.watch_journey(
        pg_temp.walker(), pg_temp.walk(p_n), pg_temp.at(p_starts), pg_temp.at(p_expected), null, null, '5 minutes', 15, null,
        null, pg_temp.at(0)
    );
    return pg_temp.state(p_n);
end
$$;

-- Nothing happens before its time, and every step waits for the one before.
select is(pg_temp.watch(1, 10), 'planned', 'a walk that begins later is planned');
select pg_temp.sweep(9.9);
select is(pg_temp.state(), 'planned', 'until it begins');
select pg_temp.sweep(10);
select is(pg_temp.state(), 'active started', 'then it is watched');
select pg_temp.sweep(29.9);
select is(pg_temp.state(), 'active started', 'all is well until the walker was to arrive');
select pg_temp.sweep(30);
select is(pg_temp.state(), 'late overdue', 'then they are late');
select is(
    (
        select i.message - 'seq' from core.inbox_entries as i
        where i.user_id = pg_temp.walker()
        order by sequence desc limit 1
    ),
    jsonb_build_object(
        'type', 'watch', 'topic', 'user:' || pg_temp.walker(), 'journey_id', pg_temp.walk(), 'event', 'late',
        'reason', 'overdue', 'at', pg_temp.at(30), 'act_before', pg_temp.at(35)
    ), 'and told so, and how long they have to react'
);
select pg_temp.sweep(34.9);
select is(pg_temp.state(), 'late overdue', 'nothing more happens in that time');
select pg_temp.sweep(35);
select is(pg_temp.state(), 'overdue overdue', 'then it is serious');
select pg_temp.sweep(39.9);
select is_empty($$select from core.alerts$$, 'and still nobody else is told');
select pg_temp.sweep(40);
select is(pg_temp.state(), 'alarm overdue', 'until the alarm');
select results_eq(
    $$select a.alert_id, a.user_id, a.journey_id, a.cause, a.state from core.alerts as a$$,
    $$select w.alert_id, w.user_id, w.journey_id, 'overdue', 'active' from core.watches as w$$,
    'which is an alert of the walk'
);
select pg_temp.sweep(60);
select is((select count(*) from core.alerts), 1::bigint, 'one');
select pg_temp.check_in(61);
select is(pg_temp.state(), 'alarm overdue', 'a check-in does not end it');
update core.alerts set state = 'resolved', ended_at = now();
select pg_temp.sweep(62);
select is(pg_temp.state(), 'active alert_ended', 'it ends with its alert, and the walk is watched further');
select pg_temp.sweep(71.9);
select is(pg_temp.state(), 'active alert_ended', 'with ten minutes before the same is asked again');
select pg_temp.sweep(72);
select pg_temp.sweep(77);
select pg_temp.sweep(82);
select is((select count(*) from core.alerts), 2::bigint, 'a second alarm is an alert of its own');
update core.alerts set is_duress = true, shown_ended_at = now()
where ended_at is null;
select pg_temp.sweep(83);
select is(pg_temp.state(), 'active alert_ended', 'one that the walker was made to cancel looks the same to whoever stands beside them');
select core.end_journey(pg_temp.walker(), pg_temp.walk(), null);
select is(pg_temp.state(), 'ended journey_ended', 'the end of the journey ends the watch');
select results_eq(
    $$select e.from_state, e.state, e.reason, round(extract(epoch from e.at - pg_temp.at(0)) / 60)::integer
      from core.journey_events as e where e.event = 'state' and e.journey_id = pg_temp.walk() and e.reason <> 'journey_ended'
      order by e.seq$$,
    $$values (null, 'planned', 'watched', 0), ('planned', 'active', 'started', 10), ('active', 'late', 'overdue', 30),
      ('late', 'overdue', 'overdue', 35), ('overdue', 'alarm', 'overdue', 40), ('alarm', 'active', 'alert_ended', 62),
      ('active', 'late', 'overdue', 72), ('late', 'overdue', 'overdue', 77), ('overdue', 'alarm', 'overdue', 82),
      ('alarm', 'active', 'alert_ended', 83)$$,
    'every step is an event with its reason'
);

-- The walker reacts.
select is(pg_temp.watch(2), 'active started', 'a walk that begins now is watched at once');
select pg_temp.sweep(30);
select core.extend_watch(pg_temp.walker(), pg_temp.walk(2), pg_temp.at(50), pg_temp.at(31));
select is(pg_temp.state(2), 'active extended', 'late, they say when they will arrive');
select pg_temp.sweep(50);
select pg_temp.sweep(55);
select pg_temp.check_in(56, 2);
select is(pg_temp.state(2), 'active check_in', 'overdue, they say that all is well');
select pg_temp.sweep(65.9);
select is(pg_temp.state(2), 'active check_in', 'which holds for ten minutes');
select pg_temp.sweep(66);
select pg_temp.sweep(71);
select pg_temp.sweep(76);
select is(pg_temp.state(2), 'alarm overdue', 'and not for ever');
select is(pg_temp.watch(3, 20), 'planned', 'a planned walk');
select pg_temp.check_in(5, 3);
select is(pg_temp.state(3), 'active check_in', 'begins when the walker says so');
select core.extend_watch(pg_temp.walker(), pg_temp.walk(3), null, pg_temp.at(6));
select pg_temp.sweep(300);
select is(pg_temp.state(3), 'active check_in', 'nobody waits who was told not to');
select pg_temp.sweep(24 * 60 + 5.1);
select is(pg_temp.state(3), 'ended given_up', 'a watch of which nothing has been heard for a day ends');
select pg_temp.watch(4, 20);
select core.end_journey(pg_temp.walker(), pg_temp.walk(4), null);
select is(pg_temp.state(4), 'ended journey_ended', 'a planned walk that does not take place');

-- However late the sweep is, the walker is told before others are.
select pg_temp.watch(5);
select pg_temp.sweep(200);
select is(pg_temp.state(5), 'late overdue', 'after hours without a sweep');
select pg_temp.sweep(201);
select is(pg_temp.state(5), 'late overdue', 'they have their time to react');
select pg_temp.sweep(205);
select is(pg_temp.state(5), 'overdue overdue', 'twice');
select pg_temp.sweep(210);
select is(pg_temp.state(5), 'alarm overdue', 'and then the alarm');
select pg_temp.sweep(210);
select is(
    (
        select count(*) from core.journey_events as e
        where e.journey_id = pg_temp.walk(5) and e.state = 'alarm'
    ), 1::bigint,
    'the same moment again changes nothing'
);

-- What there is not.
create function pg_temp.moves(p_from text) returns text language plpgsql as $$
declare
    v_to text;
    v_allowed text;
    v_watch core.watches;
begin
    foreach v_to in array array['planned', 'active', 'late', 'overdue', 'alarm', 'ended'] loop
        begin
            update core.watches set
                state = p_from, is_alarm_due = false,
                ended_at = case when p_from = 'ended' then now() end,
                next_look_at = case when p_from <> 'ended' then now() end
            where journey_id = pg_temp.walk(5)
            returning * into v_watch;
            perform core.move_watch(v_watch, v_to, 'test', now());
            v_allowed := concat_ws(' ', v_allowed, v_to);
        exception when object_not_in_prerequisite_state then null;
        end;
    end loop;
    return v_allowed;
end
$$;
select is(pg_temp.moves('planned'), 'active ended', 'from planned');
select is(pg_temp.moves('active'), 'late ended', 'from active');
select is(pg_temp.moves('late'), 'active overdue ended', 'from late');
select is(pg_temp.moves('overdue'), 'active alarm ended', 'from overdue');
select is(pg_temp.moves('alarm'), 'active ended', 'from alarm');
select is(pg_temp.moves('ended'), null, 'ended is ended');

select throws_ok(
    $$select core.move_watch(w, 'late', 'test', now())
      from (select (jsonb_populate_record(w, '{"state": "active"}')).* from core.watches as w where w.journey_id = pg_temp.walk(5)) as w$$,
    '55000', 'the watch is no longer active', 'nor does it move from a state that it has left'
);
select throws_ok(
    $$select pg_temp.check_in(300, 1)$$, 'SR095', null, 'who has arrived checks in no more'
);
select throws_ok(
    $$select core.extend_watch(pg_temp.walker(), pg_temp.walk(), pg_temp.at(400), pg_temp.at(300))$$, 'SR095', null, 'and is expected no more'
);
select throws_ok($$select pg_temp.watch(1)$$, 'SR095', null, 'a walk that has ended is not watched');
select core.start_journey(pg_temp.walker(), pg_temp.walk(6), -77.03, 38.9, null, null, pg_temp.at(0));
select throws_ok($$select pg_temp.check_in(1, 6)$$, 'SR094', null, 'a walk that nobody watches has no check-in');

-- The settings.
select is(
    (
        select count(*) from core.journey_events
        where journey_id = pg_temp.walk(2)
    ),
    (
        select count(*) from core.journey_events
        where journey_id = pg_temp.walk(2) and pg_temp.watch(2, 0, 50) is not null
    ),
    'the same again is no event'
);

select * from finish();
rollback;
