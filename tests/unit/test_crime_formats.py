"""Which format a header is of, and what `--map` means."""

import pytest

from ops.crime_formats import DC_MPD, POLICE_UK, FormatName, choose, detect, mapped
from ops.errors import OperatorError

POLICE_HEADER = [
    *("Crime ID", "Month", "Reported by", "Falls within", "Longitude", "Latitude", "Location"),
    *("LSOA code", "LSOA name", "Crime type", "Last outcome category", "Context"),
]
DC_HEADER = ["REPORT_DAT", "OFFENSE", "CCN", "XBLOCK", "YBLOCK", "START_DATE", "END_DATE", "PSA"]
MAP = "id=no,time=when,lon=x,lat=y,category=what,srid=2913"


def test_published_formats_are_known_by_their_header() -> None:
    assert detect(POLICE_HEADER) is POLICE_UK
    assert detect(DC_HEADER) is DC_MPD
    assert detect([name.lower() for name in reversed(DC_HEADER)]) is DC_MPD


def test_a_row_is_no_header() -> None:
    with pytest.raises(OperatorError, match="not the header of a known format"):
        detect(["", "2017-10", "Police Service of Northern Ireland", "-6.389075", "54.193919"])


def test_positions_count_from_one_and_ignore_case() -> None:
    positions = POLICE_UK.positions([name.upper() for name in POLICE_HEADER])
    assert positions == {
        **{"id": 1, "time": 2, "force": 3, "lon": 5, "lat": 6, "area": 8},
        "category": 10,
    }


def test_a_column_may_lack_if_rows_can_be_read_without_it() -> None:
    header = [name for name in POLICE_HEADER if name not in ("Crime ID", "LSOA code")]
    assert "id" not in POLICE_UK.positions(header)
    with pytest.raises(OperatorError, match="no column Month"):
        POLICE_UK.positions(["Crime ID", *POLICE_HEADER[2:]])


def test_the_first_of_two_columns_of_a_name_counts() -> None:
    header = ["when", "x", "y", "what", "when"]
    assert mapped("time=when,lon=x,lat=y,category=what", "a").positions(header)["time"] == 1


def test_a_map_names_columns_and_their_epsg_code() -> None:
    format_ = choose(FormatName.AUTO, ["no", "when", "x", "y", "what"], MAP, "example.org")
    assert (format_.publisher, format_.srid) == ("example.org", 2913)
    assert format_.columns["category"] == "what"


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ("time=when,lon=x", "lacks lat, category"),
        (MAP + ",when=1", "does not take when"),
        (MAP + ",id=2", "each once"),
        (MAP.replace("2913", "feet"), "srid=feet is not an EPSG code"),
        ("", "lacks time, lon, lat, category"),
    ],
)
def test_a_map_that_says_too_little_or_too_much(mapping: str, message: str) -> None:
    with pytest.raises(OperatorError, match=message):
        mapped(mapping, "example.org")


@pytest.mark.parametrize(
    ("name", "mapping", "source", "message"),
    [
        (FormatName.MAPPED, None, "a", "needs --map"),
        (FormatName.DC_MPD, MAP, "a", "does not go with"),
        (FormatName.AUTO, MAP, None, "needs --source"),
    ],
)
def test_options_that_do_not_fit_together(
    name: FormatName, mapping: str | None, source: str | None, message: str
) -> None:
    with pytest.raises(OperatorError, match=message):
        choose(name, DC_HEADER, mapping, source)


def test_a_source_takes_the_place_of_the_publisher() -> None:
    assert choose(FormatName.AUTO, DC_HEADER, None, "a mirror").publisher == "a mirror"
    assert choose(FormatName.DC_MPD, DC_HEADER, None, None).publisher == "opendata.dc.gov"
