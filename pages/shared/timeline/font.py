"""The font of the living formulas, served beside the pages; the browser keeps it."""

from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

from diffusion_core.files import ASSETS

__all__ = ["routes"]

FILE = ASSETS / "fonts" / "stix-two-math.woff2"
A_DAY = 86_400  # seconds; after that a browser asks whether it is another one


def routes(base: str) -> list[Route]:
    """Where ``assets/timeline/font.js`` finds it, on a server whose pages begin at ``base``."""
    return [Route(f"{base}/fonts/{FILE.name}", _send)]


async def _send(_request: Request) -> FileResponse:
    return FileResponse(FILE, media_type="font/woff2", headers={"Cache-Control": f"public, max-age={A_DAY}"})
