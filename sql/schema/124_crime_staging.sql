-- Empty outside an import. Unlogged, and not temporary, so that the functions that read them are checked like all others.
create unlogged table if not exists core.crime_staging (
    line_number bigint not null,
    fields text[] not null
);
comment on table core.crime_staging is 'The crime file that is being imported, as it is written.';

create unlogged table if not exists core.crime_candidates (
    line_number bigint,
    source text not null,
    source_id text,
    published_at timestamptz,
    occurred_at timestamptz,
    time_precision text,
    category text,
    published_category text,
    geom geometry (point, 4326),
    cell text collate "C",
    area text,
    action text not null,
    reason text,
    stood_at timestamptz,
    stood_in text collate "C"
);
comment on table core.crime_candidates is 'The same file as it was understood, and what is done with each row.';
comment on column core.crime_candidates.area is 'Reporting area in the words of the publisher.';
comment on column core.crime_candidates.action is 'loaded, replaced, unchanged, removed (is in core.crime_data, and no longer in the file) or rejected.';
comment on column core.crime_candidates.reason is 'Why it is rejected: fields, time, future, position or outside.';
comment on column core.crime_candidates.stood_at is 'Time under which the earlier version stands in core.crime_data.';
comment on column core.crime_candidates.stood_in is 'Cell under which it stands there.';
