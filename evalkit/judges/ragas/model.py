"""ragas's two interfaces, a model that fills a schema and embeddings, on the judge's own calls."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from evalkit.errors import EvalkitError
from evalkit.judges.ragas.calls import AnswerSchema, CallFailedError, JudgeCalls
from evalkit.judges.ragas.replies import UnusableReplyError
from evalkit.records import Failure


class GradingModel:
    """The model as one grade uses it; ragas takes it for an ``InstructorBaseRagasLLM``.

    It remembers the first failure: some metrics of ragas swallow errors and ask on, or count what is left. Their
    later questions fail at once. ``stopped`` is an error that must end the run.
    """

    is_async = True

    def __init__(self, calls: JudgeCalls, subject: str = "") -> None:
        self.failure: Failure | None = None
        self.stopped: EvalkitError | None = None
        self._calls, self._subject = calls, subject
        self._asked: Counter[str] = Counter()

    def generate(self, prompt: str, response_model: Any) -> Any:
        """Not to be had: every call is awaited."""
        raise NotImplementedError

    async def agenerate(self, prompt: str, response_model: type[BaseModel]) -> Any:
        """The reply to ``prompt`` as a ``response_model``; raises ``CallFailedError``."""
        if self.stopped is not None:
            raise self.stopped
        if self.failure is not None:
            raise CallFailedError(self.failure)
        draw = self._asked[prompt]
        self._asked[prompt] += 1
        schema = _schema(response_model)
        try:
            return await self._calls.chat(
                prompt,
                schema,
                lambda text: _filled(text, response_model),
                draw=draw,
                subject=self._subject,
            )
        except CallFailedError as failed:
            self.failure = failed.failure
            raise
        except EvalkitError as error:
            self.stopped = error
            raise


class GradingEmbeddings:
    """The embeddings as one grade uses them; ragas takes them for a ``BaseRagasEmbedding``."""

    def __init__(self, calls: JudgeCalls, subject: str = "") -> None:
        self.failure: Failure | None = None
        self.stopped: EvalkitError | None = None
        self._calls, self._subject = calls, subject
        self._known: dict[str, list[float]] = {}

    def embed_text(self, text: str, **_: Any) -> list[float]:
        """The vector of a text that was embedded before; blocking code gets no others."""
        return self._known[text]

    def embed_texts(self, texts: list[str], **_: Any) -> list[list[float]]:
        """The vectors of texts that were embedded before."""
        return [self._known[text] for text in texts]

    async def aembed_text(self, text: str, **_: Any) -> list[float]:
        """The vector of a text; raises ``CallFailedError``."""
        return (await self.aembed_texts([text]))[0]

    async def aembed_texts(self, texts: list[str], **_: Any) -> list[list[float]]:
        """One vector a text; raises ``CallFailedError``."""
        try:
            found = await self._calls.embed(texts, subject=self._subject)
        except CallFailedError as failed:
            self.failure = failed.failure
            raise
        except EvalkitError as error:
            self.stopped = error
            raise
        self._known.update(zip(texts, found, strict=True))
        return found


@cache
def _schema(response_model: type[BaseModel]) -> AnswerSchema:
    return AnswerSchema(response_model.__name__, response_model.model_json_schema())


def _filled(text: str, response_model: type[BaseModel]) -> Any:
    """The object that a reply holds, prose around it put aside; what is cut off is not mended, it would lose verdicts."""
    from evalkit.text.extract import parse_json

    parsed = parse_json(text)
    if not parsed.parses and parsed.error != "surrounding_text":
        raise UnusableReplyError(f"it is not JSON ({parsed.error})")
    try:
        return response_model.model_validate(parsed.content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UnusableReplyError(f"{place}: {first['msg']}" if place else first["msg"]) from None
