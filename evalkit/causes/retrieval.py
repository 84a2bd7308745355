"""Causes on the way from the corpus to the prompt: the evidence did not arrive."""

from __future__ import annotations

from evalkit.cause import CERTAIN, LIKELY, POSSIBLE, Cause, Proof, Sign, sign
from evalkit.causes.evidence import rivalled
from evalkit.facts import Facts, Point, Reach
from evalkit.probes import Probes
from evalkit.records import Approach, Side, Stage


def _lost(facts: Facts, *stages: Reach) -> Point | None:
    """A missing point whose evidence was lost at one of the stages, if that is the earliest loss.

    On a right answer every point counts: evidence that never arrived makes it right without evidence.
    """
    if not facts.answerable:
        return None
    points = facts.points if facts.right else facts.missing
    seen = [p for p in points if p.reach is not None]
    first = min(seen, key=lambda p: p.reach or Reach.NOWHERE, default=None)
    return first if first is not None and first.reach in stages else None


def _named(point: Point) -> str:
    return "gold document " + (" or ".join(point.evidence[:3]) or "(unnamed)")


def _corpus_gap(facts: Facts) -> Sign | None:
    point = _lost(facts, Reach.NOWHERE)
    if point is not None:
        if facts.approach in (Approach.PROMPT, Approach.FINETUNED):
            text = f"the system has no documents, and the answer is in {_named(point)}"
            return sign(LIKELY, "has_documents", value=False, text=text)
        return sign(LIKELY, "in_corpus", value=False, text=f"{_named(point)} is not in the corpus")
    missed = _lost(facts, Reach.INDEXED)
    if missed is None:
        return None
    depth = len(facts.trace.retrieved or ())
    text = (
        f"{_named(missed)} is not among the {depth} passages that came back; the index may lack it"
    )
    return sign(POSSIBLE, "rank_of_gold", value=None, text=text)


def _stale_document(facts: Facts) -> Sign | None:
    if not facts.stale or facts.right is not False:
        return None
    old, new = facts.stale[0]
    text = f"the prompt held {old}, which {new} has superseded"
    followed = facts.other_source == old or facts.lost in (Reach.INDEXED, Reach.POOLED, Reach.TOP_K)
    return sign(CERTAIN if followed else POSSIBLE, "stale_in_context", old, text)


def _chunk_boundary(facts: Facts) -> Sign | None:
    point = _lost(facts, Reach.SPLIT)
    if point is None:
        return None
    text = f"{_named(point)} is in the prompt, but by a chunk without “{point.text[:120]}”"
    return sign(LIKELY, "chunk_has_evidence", value=False, text=text)


def _retrieval_miss(facts: Facts) -> Sign | None:
    point = _lost(facts, Reach.INDEXED)
    if point is None:
        return None
    depth = len(facts.trace.retrieved or ())
    text = f"{_named(point)} is not among the {depth} passages that came back"
    return sign(LIKELY, "rank_of_gold", value=None, text=text)


def _access_violation(facts: Facts) -> Sign | None:
    if not facts.leaked:
        return None
    who = facts.case.principal or "the asker"
    text = f"{who} may not see {', '.join(facts.leaked[:3])}, which reached the prompt"
    return sign(CERTAIN, "forbidden_in_context", list(facts.leaked), text)


def _ranking_low(facts: Facts) -> Sign | None:
    point = _lost(facts, Reach.POOLED)
    if point is not None:
        text = f"{_named(point)} came back at rank {point.rank} (k = {facts.k})"
        return sign(LIKELY, "rank_of_gold", point.rank, text)
    missed = _lost(facts, Reach.INDEXED)
    if missed is None or facts.listed_deep:
        return None
    text = f"only {len(facts.trace.retrieved or ())} passages are shown: {_named(missed)} may stand below them"
    return sign(POSSIBLE, "rank_of_gold", value=None, text=text)


def _context_truncated(facts: Facts) -> Sign | None:
    dropped = _lost(facts, Reach.TOP_K)
    if dropped is not None:
        text = f"{_named(dropped)} came back at rank {dropped.rank} (k = {facts.k}) and is not in the prompt"
        return sign(LIKELY, "gold_in_context", value=False, text=text)
    cut = _lost(facts, Reach.CUT)
    if cut is None:
        return None
    text = f"{_named(cut)} was cut in the prompt before “{cut.text[:120]}”"
    return sign(LIKELY, "gold_cut_in_context", value=True, text=text)


def _flips(facts: Facts, probes: Probes, *conditions: str) -> bool | None:
    """Whether bringing the evidence makes the answer right; False where it stays wrong with all of it."""
    shown = [
        right
        for name in (*conditions, "oracle_context")
        if (right := probes.told(name)) is not None
    ]
    if facts.right is not False or not shown:
        return None
    return any(shown)


def _absent(probes: Probes) -> bool | None:
    there = probes.there("index_lookup")
    return None if there is None else not there


def _prove_gap(facts: Facts, probes: Probes) -> bool | None:
    flips = _flips(facts, probes)
    if flips is False or facts.lost not in (Reach.NOWHERE, Reach.INDEXED):
        return False
    absent = True if facts.lost is Reach.NOWHERE else _absent(probes)
    return False if absent is False else (flips and absent)


def _prove_miss(facts: Facts, probes: Probes) -> bool | None:
    flips = _flips(facts, probes)
    if flips is False or facts.lost is not Reach.INDEXED:
        return False
    in_pool = True if probes.there("deep_retrieval") else None
    if in_pool or _absent(probes):
        return False
    if rivalled(facts) and facts.case.clarified is None:
        return None
    deep = facts.listed_deep or probes.there("deep_retrieval") is False
    return flips if deep and _absent(probes) is False else None


def _prove_ranked_low(facts: Facts, probes: Probes) -> bool | None:
    flips = _flips(facts, probes, "gold_first")
    if flips is False or facts.lost not in (Reach.INDEXED, Reach.POOLED):
        return False
    if rivalled(facts) and facts.case.clarified is None:
        return None
    in_pool = True if facts.lost is Reach.POOLED else probes.there("deep_retrieval")
    return False if in_pool is False else (flips and in_pool)


def _prove_chunk(facts: Facts, probes: Probes) -> bool | None:
    return _flips(facts, probes, "merged_chunks") if facts.lost is Reach.SPLIT else False


def _prove_truncated(facts: Facts, probes: Probes) -> bool | None:
    lost = facts.lost in (Reach.TOP_K, Reach.CUT)
    return _flips(facts, probes, "more_room") if lost else False


CAUSES = (
    Cause(
        id="corpus_gap",
        side=Side.RETRIEVAL,
        stage=Stage.CORPUS,
        meaning="The knowledge is not where the system looks: not in the corpus or index, or there is none.",
        first_fix="add the content (or retrieval itself), mend ingestion",
        fine_tuning="no",
        proof=Proof.FLIP,
        detect=_corpus_gap,
        prove=_prove_gap,
        conditions=("index_lookup", "oracle_context"),
        looks_like=("retrieval_miss", "ranking_low", "misinterpretation", "query_underspecified"),
        warns=True,
    ),
    Cause(
        id="stale_document",
        side=Side.RETRIEVAL,
        stage=Stage.CORPUS,
        meaning="A superseded version of the right document was used.",
        first_fix="refresh the index, retire superseded documents",
        fine_tuning="no",
        proof=Proof.CHECK,
        detect=_stale_document,
        conditions=("oracle_context",),
        looks_like=("noise_distraction", "misinterpretation"),
    ),
    Cause(
        id="chunk_boundary",
        side=Side.RETRIEVAL,
        stage=Stage.CHUNKING,
        meaning="The right document was found, but its chunk does not hold the evidence.",
        first_fix="structure-aware chunks with overlap",
        fine_tuning="no",
        proof=Proof.FLIP,
        detect=_chunk_boundary,
        prove=_prove_chunk,
        conditions=("merged_chunks",),
        looks_like=("context_truncated", "incomplete_answer", "misinterpretation"),
        warns=True,
    ),
    Cause(
        id="retrieval_miss",
        side=Side.RETRIEVAL,
        stage=Stage.RETRIEVAL,
        meaning="The document is in the corpus, and the retriever did not find it.",
        first_fix="hybrid search, query rewriting, domain embeddings",
        fine_tuning="the embedding model at most",
        proof=Proof.FLIP,
        detect=_retrieval_miss,
        prove=_prove_miss,
        conditions=("deep_retrieval", "index_lookup", "oracle_context"),
        looks_like=("corpus_gap", "ranking_low", "query_underspecified"),
        warns=True,
    ),
    Cause(
        id="access_violation",
        side=Side.RETRIEVAL,
        stage=Stage.RETRIEVAL,
        meaning="A document that the asker may not see reached the prompt.",
        first_fix="enforce permissions in retrieval",
        fine_tuning="no",
        proof=Proof.CHECK,
        detect=_access_violation,
        warns=True,
    ),
    Cause(
        id="ranking_low",
        side=Side.RETRIEVAL,
        stage=Stage.RANKING,
        meaning="The document was found, but ranked below the cut.",
        first_fix="a reranker, a larger k, filters",
        fine_tuning="the reranker at most",
        proof=Proof.FLIP,
        detect=_ranking_low,
        prove=_prove_ranked_low,
        conditions=("deep_retrieval", "gold_first", "oracle_context"),
        looks_like=("retrieval_miss", "corpus_gap", "query_underspecified"),
        warns=True,
    ),
    Cause(
        id="context_truncated",
        side=Side.RETRIEVAL,
        stage=Stage.CONTEXT,
        meaning="The document was found within k and lost, or cut, on the way into the prompt.",
        first_fix="a larger budget, better order, compression",
        fine_tuning="no",
        proof=Proof.FLIP,
        detect=_context_truncated,
        prove=_prove_truncated,
        conditions=("more_room", "oracle_context"),
        looks_like=("chunk_boundary",),
        warns=True,
    ),
)
