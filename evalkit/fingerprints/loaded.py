"""Files that were edited after this process had imported them: what runs is then not what is read."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from pathlib import Path

_SEEN: dict[
    Path, tuple[object, str]
] = {}  # by which import a file was loaded when first looked at, and its content


def edited(files: Mapping[str, Path]) -> list[str]:
    """The names of files that have changed since an earlier look, while the module made of them was not loaded anew."""
    modules = [module for module in list(sys.modules.values()) if getattr(module, "__spec__", None)]
    loaded = {str(getattr(module, "__file__", "")): module.__spec__ for module in modules}
    found = []
    for name, file in files.items():
        spec = loaded.get(str(file))
        if spec is None:
            continue
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        before, was = _SEEN.setdefault(file, (spec, content))
        if before is not spec:
            _SEEN[file] = (spec, content)
        elif was != content:
            found.append(name)
    return found
