"""The peer: the same three endpoints as FastAPI, Pydantic and asynchronous SQLAlchemy write them,
with slowapi's limits on the same Redis Cluster.

Rules live in Python, rows become objects, objects become JSON. Shorter than a real service: no
quarantine, no error table, no row security.
"""

import contextlib
import datetime
import os
import uuid
from collections.abc import AsyncIterator
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from pydantic import BaseModel, Field
from slowapi import Limiter
from sqlalchemy import DateTime, Float, Text, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, column_property, mapped_column

SIZE = int(os.environ["RPC_POOL_SIZE"])
engine = create_async_engine(os.environ["RPC_SQLALCHEMY_URL"], pool_size=SIZE, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)
Moment = DateTime(timezone=True)


class Base(DeclarativeBase):
    """Tables of schema core."""

    __table_args__ = {"schema": "core"}  # noqa: RUF012


class Journey(Base):
    """One walk of one person."""

    __tablename__ = "journeys"
    journey_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID]
    cell: Mapped[str]
    origin: Mapped[str] = mapped_column(Text, deferred=True)
    started_at: Mapped[datetime.datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime.datetime | None] = mapped_column(Moment)
    from_lon: Mapped[float] = column_property(literal_column("st_x(origin)", Float))
    from_lat: Mapped[float] = column_property(literal_column("st_y(origin)", Float))
    to_lon: Mapped[float | None] = column_property(literal_column("st_x(destination)", Float))
    to_lat: Mapped[float | None] = column_property(literal_column("st_y(destination)", Float))


class JourneyPoint(Base):
    """A position of a walk."""

    __tablename__ = "journey_points"
    journey_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    recorded_at: Mapped[datetime.datetime] = mapped_column(Moment, primary_key=True)
    cell: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID]
    geom: Mapped[str] = mapped_column(Text)
    speed_mps: Mapped[float | None]
    accuracy_m: Mapped[float | None]


class JourneyOut(BaseModel):
    """What a walker sees of a journey."""

    model_config = {"from_attributes": True}
    journey_id: uuid.UUID
    started_at: datetime.datetime
    ended_at: datetime.datetime | None
    from_lon: float
    from_lat: float
    to_lon: float | None
    to_lat: float | None


class Start(BaseModel):
    """A journey that begins."""

    journey_id: uuid.UUID
    from_lon: float = Field(ge=-180, le=180)
    from_lat: float = Field(ge=-90, le=90)
    started_at: datetime.datetime | None = None


class Point(BaseModel):
    """A position a phone sends."""

    recorded_at: datetime.datetime
    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)
    speed_mps: float | None = None
    accuracy_m: float | None = None


class Batch(BaseModel):
    """Positions of one journey."""

    journey_id: uuid.UUID
    points: list[Point] = Field(min_length=1, max_length=5000)


class Recorded(BaseModel):
    """What became of a batch."""

    accepted: int
    duplicates: int


async def session() -> AsyncIterator[AsyncSession]:
    """A session for one request."""
    async with sessions() as opened:
        yield opened


def person(authorization: Annotated[str, Header()]) -> uuid.UUID:
    """The person that the token names."""
    try:
        claims = jwt.decode(authorization[7:], os.environ["RPC_SECRET"], algorithms=["HS256"])
    except jwt.PyJWTError:
        raise HTTPException(401, "invalid token") from None
    return uuid.UUID(claims["sub"])


Session = Annotated[AsyncSession, Depends(session)]
Person = Annotated[uuid.UUID, Depends(person)]


@contextlib.asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Close the pool at the end."""
    yield
    await engine.dispose()


def caller(request: Request) -> str:
    """Whose calls are counted: the person that the token names."""
    return str(person(request.headers["authorization"]))


limiter = Limiter(
    caller,
    storage_uri=os.environ["RPC_REDIS_URL"],
    strategy="sliding-window-counter",
    headers_enabled=True,
)
limited = limiter.limit("1000000000/minute")
app = FastAPI(lifespan=lifespan)
app.state.limiter = limiter


@app.get("/rpc/my_journeys")
@limited
async def my_journeys(
    request: Request, response: Response, session: Session, person: Person, limit: int = 20
) -> list[JourneyOut]:
    """The person's journeys, newest first."""
    query = select(Journey).where(Journey.user_id == person)
    found = await session.scalars(query.order_by(Journey.started_at.desc()).limit(limit))
    return [JourneyOut.model_validate(journey) for journey in found]


@app.post("/rpc/start_journey")
@limited
async def start_journey(
    request: Request, response: Response, session: Session, person: Person, start: Start
) -> JourneyOut:
    """Begin a journey; the same call again returns the first result."""
    origin = func.st_point(start.from_lon, start.from_lat, 4326)
    row = {
        "journey_id": start.journey_id,
        "user_id": person,
        "cell": func.st_geohash(origin, 5),
        "origin": origin,
        "started_at": start.started_at or datetime.datetime.now(datetime.UTC),
    }
    await session.execute(insert(Journey).values(row).on_conflict_do_nothing())
    await session.commit()
    journey = await session.get_one(Journey, start.journey_id)
    if journey.user_id != person:
        raise HTTPException(409, "the id belongs to another journey")
    return JourneyOut.model_validate(journey)


@app.post("/rpc/record_points")
@limited
async def record_points(
    request: Request, response: Response, session: Session, person: Person, batch: Batch
) -> Recorded:
    """Store positions of the person's own journey."""
    journey = await session.get(Journey, batch.journey_id)
    if journey is None or journey.user_id != person:
        raise HTTPException(404, "no such journey")
    rows = [
        {
            "journey_id": batch.journey_id,
            "user_id": person,
            "recorded_at": point.recorded_at,
            "cell": func.st_geohash(func.st_point(point.lon, point.lat, 4326), 5),
            "geom": func.st_point(point.lon, point.lat, 4326),
            "speed_mps": point.speed_mps,
            "accuracy_m": point.accuracy_m,
        }
        for point in batch.points
    ]
    await session.execute(text("set local synchronous_commit = local"))
    stored = await session.execute(
        insert(JourneyPoint).values(rows).on_conflict_do_nothing().returning(JourneyPoint.cell)
    )
    accepted = len(stored.all())
    await session.commit()
    return Recorded(accepted=accepted, duplicates=len(rows) - accepted)
