"""Image queries on Vertex AI: a file's content is sent inside the request, a bucket's is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sightline.errors import PermanentError
from sightline.gcp.credentials import GoogleTokens
from sightline.gcp.embedding import GoogleEmbedder
from sightline.gcp.vertex_location import VertexLocation
from sightline.model import Observation
from sightline.prices import load_prices
from sightline.sim.vertex.server import VertexSimulator
from tests.gcp.conftest import DAY, TOKEN, seen
from tests.gcp.test_embedding import Remembering

CONTENT = b"\xff\xd8\xff\xe0 a picture"


@pytest.mark.parametrize(
    ("model", "dimension", "location"),
    [("gemini-embedding-2", 768, "global"), ("multimodalembedding@001", 512, "us-central1")],
)
async def test_a_file_is_sent_and_an_image_in_a_bucket_is_referenced(
    model: str, dimension: int, location: str
) -> None:
    async def read(observation: Observation) -> bytes:
        assert observation.gcs_uri == "file:///here.jpg"
        return CONTENT

    answerer = Remembering()
    here = replace(seen(), gcs_uri="file:///here.jpg")
    async with VertexSimulator(answerer=answerer) as simulator:
        place = VertexLocation("p", location, simulator.base_url)

        def opened(**options: object) -> object:
            return GoogleEmbedder.open(
                model=model,
                dimension=dimension,
                place=place,
                tokens=GoogleTokens.fixed(TOKEN),
                prices=load_prices(),
                today=lambda: DAY,
                timeout_s=30.0,
                **options,  # type: ignore[arg-type]  # the one option there is
            )

        async with opened(read_image=read) as embedder:  # type: ignore[attr-defined]  # it is one
            assert len((await embedder.embed_image(here, run_id="r")).vector) == dimension
            await embedder.embed_image(seen(), run_id="r")
        async with opened() as embedder:  # type: ignore[attr-defined]  # it is one
            with pytest.raises(PermanentError, match="is not in a bucket"):
                await embedder.embed_image(here, run_id="r")
    inline, referred_to = (request.images[0] for request in answerer.requests)
    assert inline.content == CONTENT
    assert referred_to.uri == seen().gcs_uri
