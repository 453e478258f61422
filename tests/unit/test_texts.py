"""Setting names into texts."""

import pytest

from worker.texts import names, rendered, shown

AT = "2026-11-23T23:51:07.5+01:00"


def test_names_are_replaced_and_nothing_else_is_done() -> None:
    template = "{from_name} calls for help. {0} {from_name.__class__} {from_name!r} {}"
    assert names(template) == {"from_name"}
    told = rendered(template, {"from_name": "{link}", "link": "secret"})
    assert told == "{link} calls for help. {0} {from_name.__class__} {from_name!r} {}"


def test_what_is_named_and_not_given_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        rendered("{code}", {})


def test_times_and_positions_are_shown_as_people_read_them() -> None:
    given = {"lon": -0.127761, "lat": 51.507351, "raised_at": AT, "from_name": "Zoë", "note": None}
    assert shown(given, "de") == {
        "position": "51.50735,-0.12776",
        "time": "22:51 UTC",
        "from_name": "Zoë",
        "note": "–",
        "lon": "-0.127761",
        "lat": "51.507351",
        "raised_at": AT,
    }
    assert shown({"lon": None, "lat": None}, "de")["position"] == "Ort unbekannt"
    assert shown({}, "tlh")["position"] == "place unknown"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("Zoë\r\nBcc: all@example.org", "Zoë Bcc: all@example.org"),
        ("Zoë\u202eeoZ\x00\t", "Zoë eoZ"),
        ("ज़ोया", "ज़ोया"),
    ],
)
def test_a_value_stays_one_line(name: str, line: str) -> None:
    assert shown({"from_name": name}, "en")["from_name"] == line
