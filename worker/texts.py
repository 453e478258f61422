"""What a message says: the text of its template, with what it names set in.

Templates are rows of `core.message_templates`. Names in braces are replaced and nothing else is
done: no attribute, index or conversion can be asked for, and what is set in is not read again.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_NAME = re.compile(r"\{([a-z_]+)\}")
_LONGEST = 1_000
"""Characters of one value: what a walker may write."""
_UNKNOWN = {
    "en": "place unknown",
    "es": "lugar desconocido",
    "fr": "lieu inconnu",
    "de": "Ort unbekannt",
    "pt": "local desconhecido",
    "hi": "स्थान ज्ञात नहीं",
}


def names(template: str) -> set[str]:
    """What the text names."""
    return set(_NAME.findall(template))


def rendered(template: str, parameters: Mapping[str, str]) -> str:
    """The text with its names replaced. Raises KeyError where one is not given."""
    return _NAME.sub(lambda found: parameters[found[1]], template)


def shown(parameters: Mapping[str, Any], language: str) -> dict[str, str]:
    """What SQL gives, as people read it.

    From `lon` and `lat` comes `position`, from `raised_at` or `due_at` comes `time`; `note` may be
    null. Each is one line without control characters: an e-mail's subject holds some of them.
    """
    lon, lat = parameters.get("lon"), parameters.get("lat")
    is_known = lon is not None and lat is not None
    found = {
        "position": f"{lat:.5f},{lon:.5f}" if is_known else _UNKNOWN.get(language, _UNKNOWN["en"]),
        "note": "–",
    }
    at = parameters.get("raised_at") or parameters.get("due_at")
    if at is not None:
        found["time"] = datetime.fromisoformat(at).astimezone(UTC).strftime("%H:%M UTC")
    return found | {
        name: _line(str(value)) for name, value in parameters.items() if value is not None
    }


def _line(text: str) -> str:
    """The text without what ends a line or turns the direction of what follows."""
    kept = (character if character.isprintable() else " " for character in text[:_LONGEST])
    return " ".join("".join(kept).split())
