"""Files and vector stores as OpenAI's own client makes and asks them."""

from __future__ import annotations

from contextlib import asynccontextmanager

import httpx
import openai

NOTE = b"# Gilts\n\nThe zebracoupon of the gilt is paid in June.\n"
OTHER = b"The zebracoupon of the bund is paid in July, and the haircut is small.\n"


@asynccontextmanager
async def connect(served, key):
    transport = httpx.ASGITransport(served.app, raise_app_exceptions=False)
    async with (
        httpx.AsyncClient(transport=transport) as http,
        openai.AsyncOpenAI(
            api_key=key,
            base_url="http://test/v1",
            http_client=http,
            max_retries=0,
            _strict_response_validation=True,
        ) as client,
    ):
        yield client


async def fill(client, **files):
    """Return a vector store with files, and their ids by name."""
    store = await client.vector_stores.create(name="desk")
    ids = {}
    for name, (data, attributes) in files.items():
        file = await client.vector_stores.files.upload_and_poll(
            vector_store_id=store.id, file=(f"{name}.md", data), attributes=attributes
        )
        assert (file.status, file.last_error) == ("completed", None)
        ids[name] = file.id
    return store, ids


async def find(client, store, query="zebracoupon", **more):
    page = await client.vector_stores.search(store.id, query=query, **more)
    return {item.file_id: item for item in page.data}
