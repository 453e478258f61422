"""Partitions under several sessions."""

from concurrent.futures import ThreadPoolExecutor

import psycopg

from tests.conftest import conninfo


def test_eight_sessions_make_one_period(db: psycopg.Connection) -> None:
    def make(_: int) -> str:
        with psycopg.connect(conninfo(db)) as session:
            statement = "select core.make_period('core.crime_data', '1999-03-05', '{gcpv}')::text"
            return session.execute(statement).fetchone()[0]

    with ThreadPoolExecutor(8) as threads:
        made = set(threads.map(make, range(8)))
    assert len(made) == 1
    leaves = db.execute("select lower_cell from core.leaves(%s::regclass)", list(made)).fetchall()
    assert leaves == [("gcpv",), (None,)]


def test_rows_arrive_while_their_region_gets_a_leaf(db: psycopg.Connection) -> None:
    """Ingest into the default leaf and the move out of it wait for each other and lose nothing."""
    insert = """
        insert into core.journey_points (journey_id, recorded_at, cell, user_id, geom)
        select gen_random_uuid(), now(), 'dqcjr', gen_random_uuid(), 'srid=4326;point(-77 38.9)'
        from generate_series(1, 20)"""

    def ingest(_: int) -> None:
        with psycopg.connect(conninfo(db), autocommit=True) as session:
            for _ in range(10):
                session.execute(insert)

    with ThreadPoolExecutor(4) as threads:
        writers = threads.map(ingest, range(4))
        with psycopg.connect(conninfo(db)) as session:
            period = "core.make_period('core.journey_points', now())"
            session.execute(f"select core.add_leaf({period}, 'dqcj')")
        list(writers)
    row = db.execute(
        "select count(*), count(*) filter (where tableoid::regclass::text like '%\\_dqcj') "
        "from core.journey_points"
    ).fetchone()
    assert row == (800, 800)
