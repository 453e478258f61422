-- Statement triggers of the parent see every row that goes through it. What is done to a leaf alone does not pass here:
-- core.add_leaf moves rows without a change of risk, and a month that is dropped shows in core.city_risk_inputs.
create or replace trigger _100_keep_inserted after insert on core.crime_data
referencing new table as new_rows
for each statement execute function core.tg_crime_data__inserted();
create or replace trigger _100_keep_updated after update on core.crime_data
referencing old table as old_rows new table as new_rows
for each statement execute function core.tg_crime_data__updated();
create or replace trigger _100_keep_deleted after delete on core.crime_data
referencing old table as old_rows
for each statement execute function core.tg_crime_data__deleted();
