"""A LangChain and Chroma pipeline as an evalkit system: copy this file beside your systems.yaml.

    systems:
      - name: support-rag
        approach: rag
        adapter: python
        target: langchain_chroma_pipeline:make
        args: {corpus: corpus.jsonl}

``retrieve`` and ``generate`` are separate methods, so evalkit can ask the generator with passages of its own
choosing and tell a failure of the search from a failure of the model. Replace ``WordEmbeddings`` and
``QuotingModel``, which need no network, by your embeddings and your chat model.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from pathlib import Path
from typing import Any

import chromadb
from chromadb.config import Settings
from langchain_chroma import Chroma
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel, SimpleChatModel
from langchain_core.messages import BaseMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate

PROMPT = ChatPromptTemplate.from_messages(
    [
        ("system", "Answer from the sources only and name the one you used.{instructions}"),
        ("human", "Sources:\n{sources}\n\nQuestion: {question}"),
    ]
)


class WordEmbeddings(Embeddings):
    """Words hashed into a unit vector: equal texts are equal, texts that share words are near."""

    def __init__(self, size: int = 256) -> None:
        self.size = size

    def embed_query(self, text: str) -> list[float]:
        """The vector of one text."""
        vector = [0.0] * self.size
        for word in re.findall(r"\w+", text.casefold()):
            vector[zlib.crc32(word.encode()) % self.size] += 1.0
        length = math.sqrt(sum(x * x for x in vector)) or 1.0
        return [x / length for x in vector]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """The vectors of several texts."""
        return [self.embed_query(text) for text in texts]


class QuotingModel(SimpleChatModel):
    """Answers with the source that shares most words with the question; the same every time."""

    @property
    def _llm_type(self) -> str:
        return "quoting"

    def _call(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> str:
        sources, _, question = str(messages[-1].content).rpartition("\n\nQuestion: ")
        asked = set(re.findall(r"\w+", question.casefold()))
        lines = [line for line in sources.split("\n") if line.startswith("[")]
        shared = [len(asked & set(re.findall(r"\w+", line.casefold()))) for line in lines]
        if not any(shared):
            return "The sources do not say."
        doc_id, text = re.match(r"\[(.*?)\] (.*)", lines[shared.index(max(shared))]).groups()  # type: ignore[union-attr]
        return f"{text} [{doc_id}]"


class Pipeline:
    """Maximal-marginal-relevance search in Chroma, then a chat model over the source documents."""

    def __init__(self, store: Chroma, model: BaseChatModel) -> None:
        self.store = store
        self.chain = PROMPT | model | StrOutputParser()

    def retrieve(self, query: str, k: int) -> list[dict[str, Any]]:
        """``k`` source documents, each telling which document of the corpus it comes from."""
        found = self.store.max_marginal_relevance_search(query, k=k, fetch_k=4 * k, lambda_mult=0.7)
        return [
            {"doc_id": d.metadata["doc_id"], "text": d.page_content, "title": d.metadata["title"]}
            for d in found
        ]

    async def generate(
        self, query: str, passages: list[Any], instructions: str | None = None
    ) -> dict[str, Any]:
        """The chain's answer and the ids it cites."""
        sources = "\n".join(f"[{p['doc_id']}] {p['text']}" for p in passages)
        extra = f" {instructions}" if instructions else ""
        given = {"sources": sources, "question": query, "instructions": extra}
        answer = await self.chain.ainvoke(given)
        known = {p["doc_id"] for p in passages}
        cited = [name for name in re.findall(r"\[(.+?)\]", answer) if name in known]
        return {"response": answer, "citations": cited}

    def lookup(self, doc_id: str) -> bool:
        """Whether the document is in the index."""
        return bool(self.store.get(where={"doc_id": doc_id}, limit=1)["ids"])


def make(corpus: str, model: BaseChatModel | None = None) -> Pipeline:
    """Index a corpus file that lies beside this one, in memory."""
    lines = Path(__file__).with_name(corpus).read_text("utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line.strip()]
    store = Chroma(
        collection_name="evalkit-recipe",
        embedding_function=WordEmbeddings(),
        client=chromadb.EphemeralClient(Settings(anonymized_telemetry=False)),
    )
    store.reset_collection()
    store.add_documents(
        [
            Document(row["text"], metadata={"doc_id": row["_id"], "title": row.get("title", "")})
            for row in rows
        ],
        ids=[row["_id"] for row in rows],
    )
    return Pipeline(store, model or QuotingModel())
