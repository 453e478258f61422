import pytest

from api.consistency import History, Position


@pytest.mark.parametrize("token", ["1-0/3A2B4C8", "12-1F/FFFFFFFF", "1-0/0"])
def test_a_token_is_read_as_it_was_written(token: str) -> None:
    assert str(Position.of(token)) == token


@pytest.mark.parametrize("token", ["", "1-0/1\n", "1-0/g", "0-0/1", "-1-0/1", "1-0/1-0/1", "١-0/1"])
def test_anything_else_is_no_token(token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        Position.of(token)


@pytest.mark.parametrize(
    ("server", "token", "covers"),
    [
        ("1-0/10", "1-0/10", True),
        ("1-0/F", "1-0/10", False),
        ("1-9/0", "2-0/10", False),  # far ahead, on a log that was abandoned
        ("2-0/10", "1-0/10", True),
        ("2-0/F", "1-0/10", False),
    ],
)
def test_who_has_all_that_was_written(server: str, token: str, covers: bool) -> None:
    assert Position.of(server).covers(Position.of(token)) is covers


def test_lag_is_the_age_of_what_is_not_replayed() -> None:
    history = History()
    assert history.lag(5, Position(1, 0)) == 0
    for now, lsn in ((10, 100), (11, 200), (12, 300), (13, 300), (90, 300)):
        history.add(now, Position(1, lsn))
    assert history.lag(90, Position(1, 300)) == 0  # the primary is idle
    assert history.lag(15, Position(1, 299)) == 3
    assert history.lag(15, Position(1, 100)) == 4
    assert history.lag(15, Position(1, 0)) == 5
    assert history.lag(11.5, Position(1, 200)) == 0  # asked before the primary went on


def test_who_stays_on_an_old_timeline_lags_since_the_new_began() -> None:
    history = History()
    history.add(10, Position(1, 500))
    history.add(20, Position(2, 400))
    history.add(21, Position(2, 450))
    assert history.lag(25, Position(1, 500)) == 5
    assert history.lag(25, Position(2, 450)) == 0
