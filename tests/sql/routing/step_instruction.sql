-- Turns in words.
begin;
select plan(9);

select is(core.step_instruction(0, null, 'A'), 'Head north on A', 'the start');
select is(core.step_instruction(350, null, 'A'), 'Head north on A', 'north from the left');
select is(core.step_instruction(225, null, 'A'), 'Head south-west on A', 'south-west');
select is(core.step_instruction(90, 10, 'A'), 'Continue onto A', 'straight on');
select is(core.step_instruction(90, -45, 'A'), 'Bear left onto A', 'half left');
select is(core.step_instruction(90, 90, 'A'), 'Turn right onto A', 'right');
select is(core.step_instruction(90, -91, 'A'), 'Turn left onto A', 'left');
select is(core.step_instruction(90, -179, 'A'), 'Turn sharply left onto A', 'nearly back');
select is(core.step_instruction(null, null, 'A'), 'Stay on A', 'nowhere to go');

select * from finish();
rollback;
