"""How near an answer is to its reference in the space of an embedder: a description, never a verdict."""

from __future__ import annotations

from functools import partial

from evalkit.embeddings.embedder import Embedder, cosines
from evalkit.records import Metric, Stage
from evalkit.text.longest import readable

NAME = "semantic_similarity"
CARD = (
    "SIMILARITY IS NOT CORRECTNESS. Cosine of the sentence vectors of the answer and of the nearest of its references, "
    "-1..1; only there when the judge's file names an embedder. It describes and decides nothing: it cannot tell a "
    "contradiction from a paraphrase (of ten sentences with the opposite or another number, a good model put seven "
    "above the true paraphrase), so it takes part in no outcome, no cause and no limit, and figures of two embedders "
    "cannot be compared. Undefined when the case lists no reference or either text is blank. After Reimers and "
    "Gurevych 2019."
)


@readable
def semantic_similarity(
    response: str, reference: tuple[str, ...], *, embedder: Embedder
) -> float | None:
    """Cosine, -1..1, of the response and the nearest reference; ``None`` without words on either side."""
    references = [text for text in reference if text.strip()]
    if not response.strip() or not references:
        return None
    vectors = embedder.embed([response, *references])
    return float(cosines(vectors[:1], vectors[1:]).max())


def similarity_metric(embedder: Embedder) -> Metric:
    """The metric ``semantic_similarity`` by this embedder."""
    compute = partial(semantic_similarity, embedder=embedder)
    return Metric(NAME, Stage.GENERATION, compute, CARD, low=-1.0)
