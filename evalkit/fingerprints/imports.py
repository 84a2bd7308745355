"""Which source files of the user's own code a module is made of: what it imports, wherever that lies, and so on."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from evalkit.fingerprints.module_search import Found, Search, dotted_of
from evalkit.fingerprints.source_facts import PROMPTS, Facts, facts_of

MOST = 500  # files; a folder that holds more is somebody's whole tree, and one digest of its start must do
PROMPT_FILES = {
    ".md",
    ".txt",
    ".j2",
    ".jinja",
    ".jinja2",
    ".tmpl",
    ".prompt",
    ".yaml",
    ".yml",
    ".json",
    ".toml",
}
ELSEWHERE = {"site-packages", "dist-packages", "node_modules", "__pycache__"}


@dataclass(slots=True)
class Followed:
    """What a module is made of: source and data files by name, installed packages with their versions.

    ``unwatched`` says in words what could not be followed.
    """

    files: dict[str, Path] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    unwatched: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Source:
    file: Path
    root: Path  # the folder that its dotted name starts in
    by_name: bool = False  # named as a text


def followed(entry: Path, root: Path) -> Followed:
    """The entry file, every module it imports (directly or not) that is no installed package, and the files they name to read.

    Keys are paths relative to ``root``, or to the folder of the import path that a module was found in. Found by
    reading the source, so nothing is run. Files that the code opens for writing by name are left out.
    """
    return _Walk(root.resolve(), ()).of([_Source(entry.resolve(), root.resolve())])


def of_target(module: str, folder: Path) -> Followed:
    """What the module that a target names is made of, looked for in ``folder`` first."""
    folder = folder.resolve()
    one = Search([folder]).find(module)
    if one.package:
        return Followed(packages=dict([one.package]))
    if not one.files:
        return Followed(unwatched=[f"{module} is no file that can be read"])
    entries = [_resolved(file, one.root or folder) for file in one.files]
    inside = entries[-1].file.is_relative_to(folder)
    return _Walk(folder if inside else entries[-1].root, (folder,)).of(entries)


def of_modules(modules: Iterable[str]) -> Followed:
    """What loaded modules are made of; of one without a file, such as a notebook, nothing."""
    found = Followed()
    for name in sorted(modules):
        file = getattr(sys.modules.get(name), "__file__", None)
        if file is None or Path(file).suffix != ".py":
            continue
        real = Path(file).resolve()
        _, root = dotted_of(name, real)
        one = _Walk(root, ()).of([_Source(real, root)])
        found.files |= one.files
        found.packages |= one.packages
        found.unwatched += [told for told in one.unwatched if told not in found.unwatched]
    return found


class _Walk:
    """One walk from a module along its imports."""

    def __init__(self, root: Path, first: Iterable[Path]) -> None:
        self.root, self.search, self.found = root, Search([*first, root]), Followed()
        self._written: set[Path] = set()
        self._real: dict[Path, _Source] = {}
        self._missing: dict[str, str] = {}  # absent modules, and where they are imported
        self._certain: set[str] = set()  # those without which the code cannot run
        self._unread: list[str] = []  # which put folders on the import path that cannot be read

    def of(self, entries: Iterable[_Source]) -> Followed:
        seen: set[Path] = set()
        waiting = list(entries)
        while len(seen) < MOST and (waiting or (waiting := self._found_since())):
            here = waiting.pop()
            if here.file in seen or not _belongs(here):
                continue
            seen.add(here.file)
            name = _name(here, self.root, self.found.files)
            self.found.files[name] = here.file
            if here.file.suffix == ".py" and not here.by_name:
                waiting += self._from(here, name)
        if waiting and len(seen) >= MOST:
            self.found.unwatched.append(f"more than {MOST} files are imported")
        return self._settled()

    def _found_since(self) -> list[_Source]:
        """Where modules lie that were absent before another module put their folder on the import path."""
        here = {module: self.search.find(module) for module in self._missing}
        found = {module: one for module, one in here.items() if not one.absent}
        for module in found:
            del self._missing[module]
        return [
            _resolved(file, one.root or self.root) for one in found.values() for file in one.files
        ]

    def _from(self, here: _Source, name: str) -> Iterator[_Source]:
        """Where one module leads."""
        facts = facts_of(here.file)
        for text in facts.folders:
            if text is None:
                self._unread.append(name)
                continue
            self.search.add((here.file.parent / text).resolve())
            self.search.add(Path(text).resolve())  # as seen from where the run is started
        for line in facts.computed:
            told = f"{name} line {line} imports by a name made at run time"
            self.found.unwatched.append(told)
        self._written |= {one.file for one in _beside(facts.written, here, self.root)}
        yield from self._imported(here, facts, name)
        yield from _beside(facts.code, here, self.root)
        for one in _beside(facts.named, here, self.root):
            yield replace(one, by_name=True)

    def _imported(self, here: _Source, facts: Facts, name: str) -> Iterator[_Source]:
        certain = {module for level, module in facts.certain if not level}
        for module, whole in _modules(facts, here):
            one = self.search.find(module) if module else Found()
            if one.package:
                self.found.packages[one.package[0]] = one.package[1]
            if one.absent and whole:
                self._missing[module] = name
                if module in certain:
                    self._certain.add(module)
            if one.closed and whole:
                self.found.unwatched.append(f"{name} imports {module}, which is no file")
            for file in one.files:
                if file not in self._real:
                    self._real[file] = _resolved(file, one.root or here.root)
                yield self._real[file]

    def _settled(self) -> Followed:
        found, missing = self.found, sorted(self._missing.items())[:3]
        if self._unread and missing:
            names = ", ".join(f"{module} (in {place})" for module, place in missing)
            told = (
                f"{self._unread[0]} puts a folder on the import path that cannot be read: {names}"
            )
            found.unwatched.append(told)
        elif lacking := [one for one in missing if one[0] in self._certain]:
            names = ", ".join(f"{module} (in {place})" for module, place in lacking)
            found.unwatched.append(f"modules that are imported were not found: {names}")
        kept = found.files.items()
        found.files = {n: f for n, f in kept if f.suffix == ".py" or f not in self._written}
        return found


def _resolved(file: Path, root: Path) -> _Source:
    """Where a module really lies, and the folder that its name starts in there."""
    real = file.resolve()
    depth = len(file.relative_to(root).parts) if file.is_relative_to(root) else 1
    return _Source(real, real.parents[depth - 1])


def _modules(facts: Facts, here: _Source) -> Iterator[tuple[str, bool]]:
    """The dotted names that a module imports, and whether that is a module for sure."""
    parts = here.file.relative_to(here.root).parts if here.file.is_relative_to(here.root) else ()
    for level, module, names in facts.imports:
        start = module
        if level:
            package = parts[:-level] if level <= len(parts) else ()
            start = ".".join([*package, *([module] if module else [])])
        yield start, True
        for taken in names:
            yield f"{start}.{taken}".lstrip("."), False


def _name(here: _Source, root: Path, known: Mapping[str, Path]) -> str:
    """A file's path from ``root``, else from its own start; told apart where two are alike."""
    inside = here.file.is_relative_to(root)
    name = here.file.relative_to(root if inside else here.root).as_posix()
    while name in known:
        name = f"{here.root.name}/{name}"
    return name


def _belongs(here: _Source) -> bool:
    if not here.file.is_file() or not here.file.is_relative_to(here.root):
        return False
    parts = here.file.relative_to(here.root).parts
    return not any(part in ELSEWHERE or part.startswith(".") for part in parts)


def _beside(texts: tuple[str, ...], here: _Source, root: Path) -> Iterator[_Source]:
    """Where files with these names may lie: beside the code, and in ``root``."""
    for text in texts:
        for folder in (here.file.parent, root):
            for file in _files(folder / text):
                yield _Source(file, root if file.is_relative_to(root) else here.root)


def _files(place: Path) -> Iterator[Path]:
    """The file there; of a folder for prompts, all that may be read in it."""
    if place.is_file():
        yield place.resolve()
    elif PROMPTS.search(place.as_posix()) and place.is_dir():
        inside = sorted(place.rglob("*"))[:MOST]
        yield from (f.resolve() for f in inside if f.is_file() and f.suffix in PROMPT_FILES)
