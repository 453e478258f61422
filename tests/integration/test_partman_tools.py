"""pg_partman's own scripts: what they find decides the exit code; the unsafe ones are refused."""

import psycopg
import pytest

from tests.command import owners_environment, saferoute


@pytest.fixture
def tool(db: psycopg.Connection):
    environment = owners_environment(db)
    return lambda *arguments: saferoute("partitions", "tool", *arguments, **environment)


def add_crime(db: psycopg.Connection, source_id: str, occurred_at: str) -> None:
    with db.transaction():
        db.execute("set local role saferoute_owner")
        db.execute("select core.make_period('core.crime_data', %s)", [occurred_at])
        db.execute(
            """
            insert into core.crime_data (
                source, source_id, occurred_at, cell, time_precision, category,
                published_category, geom)
            select 'test', %s, %s, 'u10h0', 'exact', category, 'x', st_point(0, 0, 4326)
            from core.crime_categories order by category limit 1""",
            [source_id, occurred_at],
        )
    db.commit()


def add_points(db: psycopg.Connection) -> None:
    db.execute(
        """
        insert into core.journey_points (journey_id, recorded_at, cell, user_id, geom)
        select gen_random_uuid(), now(), 'dqcjr', gen_random_uuid(), st_point(-77, 38.9, 4326)
        from generate_series(1, 20)"""
    )
    db.commit()


def test_the_same_crime_in_two_months_is_found(db: psycopg.Connection, tool) -> None:
    add_crime(db, "7#1", "1950-01-05 00:00+00")
    add_crime(db, "8#1", "1950-02-05 00:00+00")
    add_points(db)
    result = tool("check_unique_constraint")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "core.crime_data: source,source_id is unique",
        "core.journey_points: journey_id,recorded_at,cell is unique",
    ]

    add_crime(db, "7#1", "1950-02-05 00:00+00")
    result = tool("check_unique_constraint", "--set", "crime_data")
    assert result.returncode == 1
    assert result.stdout.splitlines() == [
        "core.crime_data: more than one row has the same source,source_id:",
        "test,7#1: 2",
    ]
    assert tool("check_unique_constraint.py", "--simple").stdout.splitlines()[1] == "2"
    assert tool("check_unique_constraint", "--set", "journey_points").returncode == 0


def test_leaves_of_an_age_are_vacuumed_once(db: psycopg.Connection, tool) -> None:
    add_points(db)
    leaves = db.execute(
        """
        select format('"%s"."%s"', 'core', c.relname)
        from core.periods('core.journey_points') as p
        cross join core.leaves(p.period) as l inner join pg_class as c on c.oid = l.leaf"""
    ).fetchall()
    db.commit()
    command = ("vacuum_maintenance", "--set", "journey_points", "--vacuum_freeze_min_age")

    result = tool(*command, "1000000000")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    result = tool(*command, "-1", "--freeze")
    assert (result.returncode, result.stderr) == (0, "")
    vacuumed = [(line.split()[-1],) for line in result.stdout.splitlines()]
    assert sorted(vacuumed) == sorted(leaves)
    # The counts of the statistics, for what VACUUM may mark as visible depends on other sessions.
    counts = db.execute(
        "select distinct s.vacuum_count from core.periods('core.journey_points') as p"
        " cross join core.leaves(p.period) as l"
        " inner join pg_stat_user_tables as s on s.relid = l.leaf"
    ).fetchall()
    assert counts == [(1,)]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["dump_partition", "-n", "core"], "the definition and no row"),
        (["dump_partition.py", "--nodrop"], "`saferoute partitions retire`"),
        (["reapply_indexes"], "PostgreSQL itself keeps on every leaf the indexes"),
        (["partition_data"], "there are check_unique_constraint, vacuum_maintenance"),
        (["check_unique_constraint", "--set", "people"], "people is not a partition set"),
        (["check_unique_constraint", "-c", "host=elsewhere"], "-c cannot be used here"),
        (["check_unique_constraint", "--col=source"], "the logical key"),
        (["check_unique_constraint", "--bad"], "unrecognized arguments: --bad"),
        (["vacuum_maintenance", "--full"], "locks each leaf"),
        (["vacuum_maintenance", "-f"], "locks each leaf"),
        (["vacuum_maintenance", "--all"], "--set"),
    ],
)
def test_what_is_not_safe_is_refused_in_one_line(tool, arguments: list[str], reason: str) -> None:
    result = tool(*arguments)
    assert result.returncode == 2
    assert reason in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""
