create or replace function core.repartition_parts(
    p_repartition_id bigint,
    out period regclass, out staging text, out log text, out source text, out columns text, out key text,
    out key_matches text
)
language plpgsql stable strict security invoker
set search_path = core, public, pg_temp
as $$
declare
    v_repartition core.repartitions;
begin
    select * into strict v_repartition from core.repartitions as r where r.repartition_id = p_repartition_id;
    period := v_repartition.period;
    staging := format('core.repartition_%s', p_repartition_id);
    log := format('core.repartition_%s_log', p_repartition_id);

    select string_agg(quote_ident(a.attname), ', ' order by a.attnum) into columns
    from pg_catalog.pg_attribute as a
    where a.attrelid = v_repartition.parent and a.attnum > 0 and not a.attisdropped and a.attgenerated = '';

    select
        string_agg(quote_ident(a.attname), ', ' order by k.n),
        string_agg(format('t.%1$I = l.%1$I', a.attname), ' and ' order by k.n)
    into strict key, key_matches
    from pg_catalog.pg_index as i
    cross join lateral unnest(i.indkey::smallint []) with ordinality as k (attnum, n)
    inner join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.attnum
    where i.indrelid = v_repartition.parent and i.indisprimary;

    select '(' || string_agg(format('select %s from %s', columns, u.leaf), ' union all ') || ')' into source
    from unnest(v_repartition.old_leaves) as u (leaf);
end
$$;

comment on function core.repartition_parts(bigint) is
'What the statements of one repartition are built of: the period, the table that holds the new leaves until the swap, the log, the old leaves as a subquery, the columns, the primary key, and the condition that t and l have the same key.';
revoke all on function core.repartition_parts(bigint) from public;
