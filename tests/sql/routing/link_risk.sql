-- Densities of a link and factors of its neighbourhood become its risk.
begin;
select plan(5);

select is(core.link_risk(0.5, 0.25, 2::smallint, '{9,0.4}', '{9,0.8}', 0.3), 0.4::float8, 'the sum of both');
select is(core.link_risk(3, 1, 1::smallint, '{9,1}', '{9,1}', 0.3), 1::float8, 'at most 1');
select is(core.link_risk(-1e-18, 0, 1::smallint, '{1}', '{1}', 0.3), 0::float8, 'a rounding error below 0 is 0');
select is(core.link_risk(null, null, 1::smallint, '{1}', '{1}', 0.3), 0.3::float8, 'unknown is the mean, not 1');
select is(core.link_risk(0.5, 0.5, 1::smallint, '{}', '{}', 0), 0::float8, 'as in a city without any crimes');

select * from finish();
rollback;
