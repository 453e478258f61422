-- Extensions need a superuser. PostGIS and pgRouting stay in public: their operators must be found by path.
create schema if not exists partman;
create extension if not exists postgis schema public;
create extension if not exists pgrouting schema public;
create extension if not exists pg_partman schema partman;

-- What pg_partman asks for so that a role without superuser rights can run it.
grant all on schema partman to saferoute_owner;
grant all on all tables in schema partman to saferoute_owner;
grant execute on all functions in schema partman to saferoute_owner;
grant execute on all procedures in schema partman to saferoute_owner;
