begin;
select plan(18);

-- text, what it means in New York, said in UTC; null where nothing can be read.
create temporary table meanings (written text, utc timestamp);
insert into meanings values
('9/11/2017 3:33:18 PM', '2017-09-11 19:33:18'),
('2017-01-31 23:59', '2017-02-01 04:59'),
('2017-10', '2017-10-01 04:00'),
('2017-10-05', '2017-10-05 04:00'),
('20171005T120000', '2017-10-05 16:00'),
('2017-09-11T15:33:18Z', '2017-09-11 15:33:18'),
('2018/01/01 05:00:00+00', '2018-01-01 05:00'),
('2017-09-11T15:33:18.250-0700', '2017-09-11 22:33:18.25'),
('3/12/2017 2:30:00 AM', '2017-03-12 07:30'),
('11/5/2017 1:30:00 AM', '2017-11-05 06:30'),
('1/1/1916 12:00:00 AM', '1916-01-01 05:00'),
('', null),
('31/31/2017', null),
('2017-13', null),
('now', null),
('infinity', null),
('12:30', null),
('2017-01-01 10:00:00+99', null);

set local datestyle = 'ISO, MDY';
select is(core.local_time(written, 'America/New_York') at time zone 'UTC', utc, format('%L is read', written)) from meanings;

select * from finish();
rollback;
