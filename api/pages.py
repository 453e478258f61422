"""`/contact` and `/alert`: the pages behind the links that emergency contacts are sent.

Each is the same for everyone. The link's token follows `#`, which browsers keep to themselves, so
that no log and no Referer holds it and whoever looks a link up for a preview changes nothing; the
page's script sends it in the body of what it calls.
"""

import re
from base64 import b64encode
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from common.settings import REPOSITORY

FOLDER = REPOSITORY / "web"
NAMES = ("contact", "alert")


def pages() -> list[Route]:
    """The routes; the files are read now."""
    return [_page(name) for name in NAMES]


def _page(name: str) -> Route:
    page = (FOLDER / f"{name}.html").read_text()
    headers = {
        "content-security-policy": _policy(page),
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "cache-control": "no-cache",
    }

    async def answer(_request: Request) -> Response:
        return HTMLResponse(page, headers=headers)

    return Route(f"/{name}", answer)


def _policy(page: str) -> str:
    """Only what stands in the page runs, and only this server is spoken to."""
    # Browsers that know digests ignore 'unsafe-inline', those that do not need it.
    script, style = (
        f"'sha256-{_digest(page, tag)}' 'unsafe-inline'" for tag in ("script", "style")
    )
    return (
        f"default-src 'none'; script-src {script}; style-src {style}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _digest(page: str, tag: str) -> str:
    """What the one inline element of this tag is known by."""
    (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    return b64encode(sha256(content.encode()).digest()).decode()
