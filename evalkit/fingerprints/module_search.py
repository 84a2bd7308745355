"""Finds the files that an import would load, and the installed packages, without importing anything."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

INSTALLED = {"site-packages", "dist-packages"}
_INFO = re.compile(r"(?P<name>.+?)-(?P<version>[^-]+)(-py[\d.]+)?\.(dist|egg)-info$")
_OURS = Path(__file__).resolve().parents[1]


@dataclass(slots=True)
class Found:
    """What a dotted name stands for.

    ``files`` are the packages on the way and the module itself, with ``root``, the folder that the name starts in;
    ``package`` is the installed distribution that holds it, with its version. ``absent``: nothing of that name is
    there. ``closed``: it is there, but not as a file (an archive, a finder of its own), so nobody can look into it.
    """

    files: list[Path] = field(default_factory=list)
    root: Path | None = None
    package: tuple[str, str] | None = None
    absent: bool = False
    closed: bool = False


class Search:
    """Looks for modules in ``folders`` first, then where this process would."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self.folders = [folder.resolve() for folder in folders]
        self._path = [Path(entry).resolve() for entry in sys.path if Path(entry).is_dir()]
        self._tops: dict[str, tuple[list[Path], Found]] = {}
        self._names: dict[Path, frozenset[str]] = {}  # what is in a folder
        self._known: dict[str, Found] = {}

    def add(self, folder: Path) -> None:
        """Look in ``folder`` too, as code that puts it on the import path does."""
        if folder.is_dir() and folder not in self.folders:
            self.folders.append(folder)
            self._tops.clear()
            self._known.clear()

    def find(self, name: str) -> Found:
        """The module called ``name`` (``a.b.c``), as far as it is there."""
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def _find(self, name: str) -> Found:
        top, *rest = name.split(".")
        if top not in self._tops:
            self._tops[top] = self._top(top)
        places, first = self._tops[top]
        found = Found(list(first.files), first.root, first.package, first.absent, first.closed)
        for part in rest if not found.package else ():
            here = [hit for place in places if (hit := self._hit(place, part))]
            found.files += here[:1]
            places = _packages(places, part, here)
        return found

    def _top(self, top: str) -> tuple[list[Path], Found]:
        """Where the parts of a package are looked for, and what the name alone stands for."""
        before = len(self.folders)
        for number, folder in enumerate([*self.folders, *self._path]):
            if number == before and top in sys.stdlib_module_names:
                return [], Found()
            hit = self._hit(folder, top)
            if hit is not None and hit.is_relative_to(_OURS):
                return [], Found()
            if hit is not None:
                return _packages([folder], top, [hit]), _told(hit, folder, top)
        portions = [f / top for f in [*self.folders, *self._path] if (f / top).is_dir()]
        if top in sys.stdlib_module_names:
            return [], Found()
        if portions:
            return _namespace(portions, top)
        return _by_finders(top)

    def _hit(self, folder: Path, name: str) -> Path | None:
        """The package's or module's file in one folder, in the order in which Python looks."""
        names = self._in(folder)
        if name in names and "__init__.py" in self._in(folder / name):
            return folder / name / "__init__.py"
        for end in (*EXTENSION_SUFFIXES, ".py"):
            if f"{name}{end}" in names and (folder / f"{name}{end}").is_file():
                return folder / f"{name}{end}"
        return None

    def _in(self, folder: Path) -> frozenset[str]:
        """The names in a folder; none where it cannot be looked into."""
        if folder not in self._names:
            try:
                self._names[folder] = frozenset(file.name for file in folder.iterdir())
            except OSError:
                self._names[folder] = frozenset()
        return self._names[folder]


def dotted_of(module: str, file: Path) -> tuple[str, Path]:
    """The dotted name of a loaded module's file and the folder that the name starts in."""
    parts = module.split(".")
    if file.stem == "__init__":
        parts.append("__init__")
    if module == "__main__" or len(parts) > len(file.parents):
        return file.stem, file.parent
    return module, file.parents[len(parts) - 1]


def _packages(places: Iterable[Path], name: str, hits: list[Path]) -> list[Path]:
    """Where the modules inside a package are; a folder without ``__init__`` is a package too."""
    if hits:
        return [hits[0].parent] if hits[0].stem == "__init__" else []
    return [place / name for place in places if (place / name).is_dir()]


def _told(hit: Path, folder: Path, top: str) -> Found:
    package = distribution(folder, top)
    return Found(package=package) if package else Found([hit], folder)


def _namespace(portions: list[Path], top: str) -> tuple[list[Path], Found]:
    own = [place for place in portions if not distribution(place.parent, top)]
    if own:
        return own, Found(root=own[0].parent)
    return [], Found(package=distribution(portions[0].parent, top))


def _by_finders(top: str) -> tuple[list[Path], Found]:
    """What finders beside the path's say, such as those of editable installs."""
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return [], Found(absent=True)
    if spec is None:
        return [], Found(absent=True)
    inside = [] if spec.submodule_search_locations is None else _folders(spec)
    file = Path(spec.origin).resolve() if spec.has_location and spec.origin else None
    if file is not None and file.is_file():
        root = file.parents[1] if file.stem == "__init__" else file.parent
        return inside, Found([file], root)
    return inside, Found(root=inside[0].parent if inside else None, closed=not inside)


def _folders(spec: importlib.machinery.ModuleSpec) -> list[Path]:
    places = [Path(place) for place in spec.submodule_search_locations or ()]
    return [place.resolve() for place in places if place.is_dir()]


# --- installed packages --------------------------------------------------------------------------


@cache
def distribution(folder: Path, top: str) -> tuple[str, str] | None:
    """Name and version of the installed package that put the module ``top`` into ``folder``; None where none did.

    Of a namespace that several packages share, all of them.
    """
    if not INSTALLED & set(folder.parts):
        return None
    known = _distributions(folder)
    plain = _plain(top)
    if plain in known and not _shared(folder, top):
        return known[plain][:2]
    holding = [one for one in known.values() if _holds(folder / one[2], top)]
    if not holding:
        return None
    return "+".join(name for name, *_ in holding), "+".join(version for _, version, _ in holding)


@cache
def _distributions(folder: Path) -> dict[str, tuple[str, str, str]]:
    """Name, version and folder of what is installed, by name; read from the names of their folders."""
    found = {}
    for entry in sorted(file.name for file in folder.iterdir()):
        told = _INFO.match(entry)
        if told is not None:
            found[_plain(told["name"])] = (told["name"], told["version"], entry)
    return found


def _shared(folder: Path, top: str) -> bool:
    return (folder / top).is_dir() and not (folder / top / "__init__.py").exists()


def _holds(info: Path, top: str) -> bool:
    """Whether a package lists the module among what it installed."""
    return any(
        line.split(",")[0] in _names(top) or line.startswith(f"{top}/") for line in _lines(info)
    )


def _names(top: str) -> tuple[str, ...]:
    return (top, f"{top}.py", *(f"{top}{suffix}" for suffix in EXTENSION_SUFFIXES))


def _lines(info: Path) -> Iterator[str]:
    for name in ("top_level.txt", "RECORD"):
        try:
            yield from (info / name).read_text("utf-8", "replace").splitlines()
        except OSError:
            continue


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def installed_as(top: str) -> tuple[str, str] | None:
    """Name and version of the installed package that a loaded module belongs to; None for modules of the user's own."""
    module = sys.modules.get(top)
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", [])]
    for place in places:
        folder = Path(place).parent if place else None
        while folder is not None and folder.name not in INSTALLED and folder != folder.parent:
            folder = folder.parent
        if folder is not None and folder.name in INSTALLED:
            return distribution(folder, top) or (top, "")
    return None


def is_ours(top: str) -> bool:
    """Whether a module is evalkit's own."""
    return top == _OURS.name
