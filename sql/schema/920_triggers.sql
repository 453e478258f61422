create or replace trigger _100_remove_streets
after delete on core.cities
referencing old table as removed
for each statement execute function core.tg_cities__remove_streets();
