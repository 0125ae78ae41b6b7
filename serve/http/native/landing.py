"""The landing page: what answers here, and where everything else is told.

Source: OGC API - Common, part 1 (19-072), requirements class "Landing Page": links to the definition of the
API and to what is served.
"""

from __future__ import annotations

from importlib.metadata import metadata
from typing import Any

from fastapi import APIRouter

from serve.http.answer_models import LandingAnswer, answered

LINKS = {
    "docs": "/docs",
    "openapi": "/openapi.json",
    "live": "/health/live",
    "ready": "/health/ready",
    "collections": "/collections",
}
"""What is linked -> its path."""

router = APIRouter()


@router.get("/", tags=["health"], summary="What this is", responses=answered(LandingAnswer))
async def show_landing() -> dict[str, Any]:
    """Tell everybody what the server is; nothing of what it holds."""
    about = metadata("eagleray")
    return {
        "name": about["Name"],
        "version": about["Version"],
        "description": about["Summary"],
        "links": LINKS,
    }
