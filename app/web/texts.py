"""The pages' words in other languages."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app import i18n
from app.errors import NotFound

AN_HOUR = "max-age=3600"


async def show(request: Request) -> Response:
    """A language's catalogue: English texts, and what they are in it."""
    language = request.path_params["language"]
    if language not in i18n.LANGUAGES:
        raise NotFound
    return JSONResponse(dict(i18n.catalogue(language)), headers={"Cache-Control": AN_HOUR})
