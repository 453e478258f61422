"""`saferoute partitions restore`: the rows of a retired period, back in their set or beside it.

They are loaded into a table that stands apart and has the set's structure of today, and become part
of the set in one short transaction. A run that is killed before leaves a table that the next one
drops.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import psycopg
import typer

from ops import archive, detaching, retention, risk, upkeep
from ops.archive import Archive, Watch
from ops.errors import OperatorError
from ops.progress import bar
from ops.upkeep import PartitionSet

KEEP_DAYS = 7
_SUFFIX = "_restoring"


@dataclass(frozen=True)
class Restored:
    """What a restore brought back, or would."""

    set: str
    period: str
    table: str | None
    rows: int
    already_there: int
    erased: int
    superseded: int
    keep_until: datetime | None


def restore(
    name: Annotated[str, typer.Argument(help="The set.")],
    period: Annotated[str, typer.Argument(help="The period, as 2026-10-01 or 2026-10.")],
    beside: Annotated[
        bool, typer.Option("--beside", help="As a table of its own, next to the set.")
    ] = False,
    keep_days: Annotated[
        int, typer.Option(min=0, help="Days before it may be retired again.")
    ] = KEEP_DAYS,
    dry_run: upkeep.DryRun = False,
    as_json: upkeep.AsJson = False,
) -> None:
    """Bring a retired period back from its archive.

    Into its set: without people erased since, and without crimes that their publisher has corrected
    since. Beside it, crimes are as they were. The archive stays until the period is retired again.
    """
    with upkeep.connect() if dry_run else upkeep.exclusive() as connection:
        entry = upkeep.find_set(connection, name)
        lower = upkeep.period_start(entry, period)
        restored = restore_period(
            connection, entry, lower, timedelta(days=keep_days), beside=beside, dry_run=dry_run
        )
    if not restored:
        where = "beside its set" if beside else "in its set"
        typer.echo(f"{entry.name} {upkeep.label(entry, lower)} stands {where} already.")
        return
    upkeep.show([asdict(each) for each in restored], as_json)


def restore_period(
    connection: psycopg.Connection,
    entry: PartitionSet,
    lower: datetime,
    keep: timedelta,
    *,
    beside: bool = False,
    dry_run: bool = False,
) -> list[Restored]:
    """Restore every archive of a period that is not where it is wanted; empty where all are.

    A period may have several: it was retired, begun anew, and retired again.
    """
    label = upkeep.label(entry, lower)
    standing = next(
        (p for p in retention.periods(connection, entry) if p.lower_bound == lower), None
    )
    if standing is None:
        raise OperatorError(f"{entry.name} {label} neither stands nor is in an archive")
    if standing.state in ("detaching", "detached"):
        return [_attach(connection, entry, standing, keep, beside=beside, dry_run=dry_run)]
    missing = [
        kept
        for kept in archive.archives(connection, entry.parent, lower)
        if kept.dropped_at and not _is_back(kept, standing.state, beside=beside)
    ]
    if dry_run:
        return [_would_restore(entry, kept) for kept in missing]
    upkeep.refuse_lagging_replica(connection)
    done = [_bring_back(connection, entry, kept, keep, beside=beside) for kept in missing]
    if done and not beside:
        risk.refresh(connection)
    return done


def _is_back(kept: Archive, state: str, *, beside: bool) -> bool:
    if beside:
        return kept.restored_at is not None
    return kept.restored_at is not None and kept.restored_as is None and state == "attached"


def _bring_back(
    connection: psycopg.Connection,
    entry: PartitionSet,
    kept: Archive,
    keep: timedelta,
    *,
    beside: bool,
) -> Restored:
    """Load an archive into a table apart, and let it join the set, or stand beside it."""
    label = upkeep.label(entry, kept.lower_bound)
    with bar(f"Restoring {entry.name} {label}", 2 * kept.row_count) as watch:
        table = _load(connection, kept, watch)

    def attempt() -> tuple[int, int, int, int, str]:
        row = connection.execute(
            "select erased, superseded, already_there, brought_back, stands_as::text"
            " from core.bring_back(%s, %s::regclass, %s, %s)",
            [kept.archive_id, table, keep, beside],
        ).fetchone()
        assert row is not None
        return row

    erased, superseded, already_there, brought_back, stands_as = upkeep.patiently(
        connection, f"{entry.name} {label} could not be restored", attempt
    )
    return Restored(
        entry.name,
        label,
        stands_as,
        brought_back,
        already_there,
        erased,
        superseded,
        archive.find(connection, kept.archive_id).keep_until,
    )


def _load(connection: psycopg.Connection, kept: Archive, watch: Watch) -> str:
    """A table apart with every row of an archive, and the structure of a period of today."""
    row = connection.execute(
        "select core.period_name(%s::regclass, %s)", [kept.parent, kept.lower_bound]
    ).fetchone()
    assert row is not None
    name = row[0] + _SUFFIX
    connection.execute(f"drop table if exists core.{name}")
    row = connection.execute(
        "select core.build_period(%s::regclass, %s, %s, core.regions_of(%s))::text",
        [kept.parent, kept.lower_bound, name, sorted(_cells(kept, watch))],
    ).fetchone()
    assert row is not None
    table: str = row[0]
    try:
        loaded = archive.load(connection, kept, table, watch)
        if loaded != kept.row_count:
            raise OperatorError(
                f"{loaded:,} of {kept.row_count:,} rows came out of {kept.file_name}; "
                "nothing was restored"
            )
    except (psycopg.errors.IntegrityError, psycopg.errors.DataError) as error:
        connection.execute(f"drop table {table}")
        raise OperatorError(
            f"rows of {kept.file_name} do not fit the table of today: {error.diag.message_primary}"
        ) from error
    except BaseException:
        connection.execute(f"drop table {table}")
        raise
    connection.execute(f"analyze {table}")
    return table


def _cells(kept: Archive, watch: Watch) -> set[str]:
    """The cells that an archive has rows in: the table gets leaves for their regions."""
    found: set[bytes] = set()
    position, of_columns = 0, None
    for columns, line in archive.watched(archive.rows(kept), watch):
        if columns is not of_columns:
            position, of_columns = columns.index("cell"), columns
        found.add(line.split(b"\t", position + 1)[position])
    return {cell.rstrip(b"\n").decode() for cell in found}


def _attach(
    connection: psycopg.Connection,
    entry: PartitionSet,
    standing: retention.Period,
    keep: timedelta,
    *,
    beside: bool,
    dry_run: bool,
) -> Restored:
    """Put back a period that has been detached and not dropped, by hand or by a killed run."""
    label = upkeep.label(entry, standing.lower_bound)
    table = standing.period
    assert table is not None
    if beside:
        raise OperatorError(f"{entry.name} {label} stands beside its set already, as {table}")
    if dry_run:
        counts, _ = archive.contents(connection, table)
        return Restored(entry.name, label, table, sum(counts.values()), 0, 0, 0, None)
    upkeep.refuse_lagging_replica(connection)
    detaching.finish(connection, entry)
    with bar(f"Archiving {entry.name} {label}") as watch:
        # What is not archived cannot be held back from the next run of maintain.
        kept = archive.current(connection, entry.parent, standing.lower_bound, table)
        kept = kept or archive.write(
            connection, entry.parent, standing.lower_bound, standing.upper_bound, table, watch
        )
    until = datetime.now(UTC) + keep

    def attempt() -> None:
        with connection.transaction():
            connection.execute(
                "select core.attach_period(%s::regclass, %s, %s::regclass)",
                [entry.parent, standing.lower_bound, table],
            )
            connection.execute(
                "update core.partition_archives set restored_at = now(), keep_until = %s"
                " where archive_id = %s",
                [until, kept.archive_id],
            )

    upkeep.patiently(connection, f"{table} could not be attached", attempt)
    risk.refresh(connection)
    return Restored(entry.name, label, table, kept.row_count, 0, 0, 0, until)


def _would_restore(entry: PartitionSet, kept: Archive) -> Restored:
    archive.verify(kept)
    label = upkeep.label(entry, kept.lower_bound)
    return Restored(entry.name, label, None, kept.row_count, 0, 0, 0, None)
