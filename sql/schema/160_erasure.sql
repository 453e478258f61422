-- What is kept of people, and the record of what was erased. A new table with a user column needs a row here: a test
-- looks for tables that have none, and erase and export then reach it.
create table if not exists core.user_data (
    relation regclass primary key,
    user_column text not null,
    erase_order integer not null unique,
    erase_with text,
    description text not null,
    secrets text[] not null default '{}',
    shown_as text
);
comment on table core.user_data is 'Every table that holds data of people. Erase and export go through it.';
comment on column core.user_data.user_column is 'Whose row it is: a uuid.';
comment on column core.user_data.erase_order is 'Lowest first: what leads to other rows (a journey to its points) after them.';
comment on column core.user_data.erase_with is 'The function of schema core that removes up to p_limit rows of p_user_id and returns (leaf, removed); null: rows are found by the user column, which is indexed.';
comment on column core.user_data.secrets is 'Columns that no export shows: whoever finds the file could use them.';
comment on column core.user_data.shown_as is 'The view of schema core, with the same columns, that an export reads instead; null: the table. Whoever makes a person export may not learn all.';
comment on column core.user_data.description is 'What it is, in the words of the person who gets an export.';

insert into core.user_data (relation, user_column, erase_order, erase_with, description) values
('core.journey_points', 'user_id', 10, 'erase_points', 'Positions that your phone sent while you walked. Kept 30 days, then in archives.'),
('core.point_quarantine', 'user_id', 20, null, 'Positions that could not be stored with your walks, as they were sent, and why.'),
('core.journeys', 'user_id', 90, null, 'Your walks: where and when each began and ended.')
on conflict (relation) do update set
    user_column = excluded.user_column,
    erase_order = excluded.erase_order,
    erase_with = excluded.erase_with,
    description = excluded.description;

create table if not exists core.erasures (
    erasure_id uuid primary key default gen_random_uuid(),
    user_digest text not null,
    began_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    removed jsonb not null,
    archives jsonb not null default '{}',
    lsn pg_lsn,
    proof jsonb,
    digest text,
    check ((finished_at is null) = (digest is null))
);
comment on table core.erasures is 'One receipt per erasure of a person. It stays open until the erasure is proven everywhere; running it again goes on with it.';
comment on column core.erasures.user_digest is 'SHA-256 of the user id as text (lower case, with hyphens), hexadecimal. The id itself stands nowhere.';
comment on column core.erasures.removed is 'Rows removed, by table.';
comment on column core.erasures.archives is 'By file name: period, result (pending, not in it, rewriting, rewritten, superseded, out of reach) and rows removed, of every archive that could hold the person.';
comment on column core.erasures.lsn is 'A replica that has replayed this has nothing left of the person.';
comment on column core.erasures.proof is 'Rows found afterwards (0) on the primary and on each replica that was asked, and how far the others have replayed.';
comment on column core.erasures.digest is 'SHA-256 of the receipt, hexadecimal: a copy can be checked against it.';
create unique index if not exists erasures_open on core.erasures (user_digest) where finished_at is null;
create index if not exists erasures_user on core.erasures (user_digest);
-- Quarantined points are found by their person when they are erased.
create index if not exists point_quarantine_user on core.point_quarantine (user_id);
