begin;
select plan(9);

select is(core.coordinate('394964.33'), 394964.33::float8);
select is(core.coordinate('-77.03'), -77.03::float8);
select is(core.coordinate('+5'), 5::float8);
select is(core.coordinate('403301.53001702'), 403301.53001702::float8);
select is(core.coordinate(''), null);
select is(core.coordinate('NaN'), null);
select is(core.coordinate('Infinity'), null);
select is(core.coordinate('38,9'), null, 'a decimal comma is not guessed at');
select is(core.coordinate('1e999'), null);

select * from finish();
rollback;
