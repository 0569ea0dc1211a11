"""The font of the living formulas, served beside the pages; the browser keeps it."""

import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

from diffusion_core.files import ASSETS

__all__ = ["routes"]

FILE = ASSETS / "fonts" / "stix-two-math.woff2"
A_DAY = 86_400  # seconds; after that a browser asks whether it is another one


def routes() -> list[Route]:
    """Where ``assets/timeline/font.js`` finds it: Streamlit does not lay its base path before an app's own routes."""
    base = st.get_option("server.baseUrlPath").strip("/")
    return [Route(f"{'/' if base else ''}{base}/fonts/{FILE.name}", _send)]


async def _send(_request: Request) -> FileResponse:
    return FileResponse(FILE, media_type="font/woff2", headers={"Cache-Control": f"public, max-age={A_DAY}"})
