"""Answers of an old system are never those of a new one: wherever its code lies, and whatever its objects hold."""

from __future__ import annotations

import itertools
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from textwrap import dedent

import pytest

import evalkit
from evalkit.adapters.secrets import variables_of
from evalkit.errors import InvalidInput
from evalkit.fingerprints.held import held_by
from evalkit.fingerprints.imports import of_target
from evalkit.suite import load_systems
from evalkit.watch import Watcher

ENTRY = "{name: m, approach: prompt, adapter: python, target: '%s'}"


class Said(Watcher):
    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(dedent(text), encoding="utf-8")


@pytest.fixture
def suite(tmp_path):
    cases = [{"id": f"c{i}", "query": f"q{i}", "reference": "Ja."} for i in range(3)]
    files = {
        "suite.yaml": "format: 1\nname: tiny\n",
        "cases.jsonl": "\n".join(map(json.dumps, cases)),
    }
    write(tmp_path / "suite", files)
    return tmp_path / "suite"


# --- code that lies outside the suite ------------------------------------------------------------

WRAPPER = "import mypkg.rag as r\ndef f(query): return r.f(query)\n"
SRC = "import sys\nfrom pathlib import Path\nHERE = Path(__file__).resolve().parent\n"
JOIN = "sys.path.insert(0, os.path.join(HERE, '..', 'x'))\n"
LAYOUTS = {  # how a target comes by its code: its target, its files in the suite, and where the package lies
    "wrapper": ("my_system:f", WRAPPER, "lib"),
    "target": ("mypkg.rag:f", None, "lib"),
    "from": ("my_system:f", "from mypkg.rag import f\n", "lib"),
    "src": ("my_system:f", f"{SRC}sys.path.insert(0, str(HERE / 'src'))\n{WRAPPER}", "suite/src"),
    "parents": (
        "my_system:f",
        f"{SRC}sys.path.append(str(Path(__file__).parents[1] / 'code'))\n{WRAPPER}",
        "code",
    ),
    "join": (
        "my_system:f",
        f"import os, sys\nHERE = os.path.dirname(os.path.abspath(__file__))\n{JOIN}{WRAPPER}",
        "x",
    ),
}
PACKAGE = {
    "mypkg/__init__.py": "",
    "mypkg/rag.py": "from mypkg.words import P\nfrom .inner.deep import Q\ndef f(query): return P + Q\n",
    "mypkg/words.py": "P = 'x '\nCONF = 'conf.json'\n",
    "mypkg/inner/deep.py": "Q = 'y'\n",  # no __init__: a namespace package
    "mypkg/conf.json": "{}",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_file_of_a_package_elsewhere_is_watched(tmp_path, suite, monkeypatch, layout):
    target, wrapper, place = LAYOUTS[layout]
    write(tmp_path / place, PACKAGE)
    write(suite, {} if wrapper is None else {"my_system.py": wrapper})
    if place == "lib":
        monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    found = of_target(target.partition(":")[0], suite)
    names = {name.removeprefix("src/") for name in found.files}
    assert names == {*PACKAGE, *([] if wrapper is None else ["my_system.py"])}
    assert found.unwatched == []


def test_a_package_of_an_editable_install_is_watched(tmp_path, suite, monkeypatch):
    write(tmp_path / "code", {f"src_of_it/{n.partition('/')[2]}": t for n, t in PACKAGE.items()})
    finder = """
        import importlib.util
        class Finder:
            @classmethod
            def find_spec(cls, name, path=None, target=None):
                if name == "mypkg":
                    return importlib.util.spec_from_file_location(name, %r, submodule_search_locations=[%r])
    """
    place = tmp_path / "code" / "src_of_it"
    write(
        tmp_path, {"finding/editable_finder.py": finder % (str(place / "__init__.py"), str(place))}
    )
    monkeypatch.syspath_prepend(str(tmp_path / "finding"))
    import editable_finder

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, editable_finder.Finder])
    files = of_target("mypkg.rag", suite).files
    assert {Path(f).name for f in files} >= {"rag.py", "words.py", "deep.py", "conf.json"}


def test_links_are_followed_to_where_they_lead(tmp_path, suite, monkeypatch):
    write(tmp_path / "real", PACKAGE)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "mypkg").symlink_to(tmp_path / "real" / "mypkg")
    monkeypatch.syspath_prepend(str(tmp_path / "lib"))
    assert set(of_target("mypkg.rag", suite).files) == set(PACKAGE)


def test_an_installed_package_counts_by_its_version_and_python_not_at_all(suite):
    write(suite, {"my_system.py": "import json, yaml, numpy.linalg, evalkit\nimport not_there\n"})
    found = of_target("my_system", suite)
    assert {"pyyaml", "numpy"} <= {name.lower() for name in found.packages}
    assert set(found.files) == {"my_system.py"}
    (told,) = found.unwatched
    assert told == "modules that are imported were not found: not_there (in my_system.py)"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import importlib\nr = importlib.import_module(input())\n", "line 2 imports by a name"),
        ("import runpy\nrunpy.run_path(input())\n", "line 2 imports by a name"),
        ("import sys\nsys.path.append(input())\nimport far_away\n", "far_away (in my_system.py)"),
    ],
)
def test_what_cannot_be_followed_is_said(suite, code, said):
    write(suite, {"my_system.py": code})
    (told,) = of_target("my_system", suite).unwatched
    assert said in told


def command(suite, out, *more, **environment):
    done = subprocess.run(
        [sys.executable, "-m", "evalkit", "run", suite, "--out", out, "--probes", "none", *more],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    return done.returncode, done.stderr


def test_the_command_line_serves_no_answer_of_changed_code_elsewhere(tmp_path, suite):
    write(tmp_path / "lib", PACKAGE)
    write(
        suite, {"systems.yaml": f"systems:\n  - {ENTRY % 'my_system:f'}\n", "my_system.py": WRAPPER}
    )
    where = {"PYTHONPATH": f"{tmp_path / 'lib'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    cache = ("--cache", tmp_path / "cache")
    assert command(suite, tmp_path / "one", *cache, **where)[0] == 0
    code, said = command(suite, tmp_path / "two", *cache, **where)
    assert code == 0
    assert "3 of 3 answers (100%)" in said
    write(tmp_path / "lib", {"mypkg/words.py": "P = 'new '\n"})
    code, said = command(suite, tmp_path / "one", *cache, **where)
    assert code == 3
    assert "m: mypkg/words.py changed" in said
    assert "0 of 3 answers" in command(suite, tmp_path / "three", *cache, **where)[1]


def test_code_that_cannot_be_followed_is_said_and_kept_out_of_the_cache(tmp_path, suite):
    code = "from importlib import import_module\ndef f(query): return import_module('js' + 'on').dumps(1)\n"
    write(suite, {"systems.yaml": f"systems:\n  - {ENTRY % 'my_system:f'}\n", "my_system.py": code})
    systems, cache = load_systems(suite / "systems.yaml"), tmp_path / "cache"
    for out in ("one", "two"):
        said = Said()
        evalkit.run(suite, systems, out=tmp_path / out, cache=cache, probes="none", watch=said)
        told = [line for line in said.lines if "my_system.py line 2 imports by a name" in line]
        assert told == [told[0]]
        assert "kept out of the cache" in told[0]
    assert [f for f in cache.rglob("*") if f.is_file()] == []


def test_code_edited_after_it_was_imported_is_not_asked_as_the_new_one(tmp_path, suite):
    write(suite, {"systems.yaml": f"systems:\n  - {ENTRY % 'edited_later:f'}\n"})
    write(suite, {"edited_later.py": "def f(query): return 'old'\n"})
    systems = load_systems(suite / "systems.yaml")
    evalkit.run(suite, systems, out=tmp_path / "one", probes="none")
    write(suite, {"edited_later.py": "def f(query): return 'new'\n"})
    with pytest.raises(InvalidInput, match=r"m: edited_later\.py changed after this process"):
        evalkit.run(suite, systems, out=tmp_path / "two", probes="none")
    del sys.modules["edited_later"]
    shutil.rmtree(suite / "__pycache__", ignore_errors=True)
    found = evalkit.run(suite, systems, out=tmp_path / "two", probes="none")
    assert {trace.response for trace in found.systems["m"].graded.traces} == {"new"}


# --- variables in headers ------------------------------------------------------------------------


def test_another_value_of_a_variable_in_a_header_is_another_system(monkeypatch):
    headers = {"X-Model": "${MODEL_X}", "Authorization": "Bearer ${TOKEN_A}", "X-Api-Key": "${K}"}
    options = {
        "url": "http://h/",
        "headers": headers,
        "retrieve": {"headers": {"X-Region": "${R}"}},
    }
    monkeypatch.setenv("TOKEN_A", "one")
    monkeypatch.setenv("K", "one")
    monkeypatch.setenv("MODEL_X", "A")
    first = variables_of(options)
    assert set(first) == {"MODEL_X", "R"}
    monkeypatch.setenv("TOKEN_A", "two")
    monkeypatch.setenv("K", "two")
    assert variables_of(options) == first
    monkeypatch.setenv("MODEL_X", "B")
    assert variables_of(options)["MODEL_X"] != first["MODEL_X"]


def test_a_run_under_another_variable_is_refused_by_its_name(tmp_path, suite, monkeypatch):
    header = "headers: {X-Model: '${MODEL_X}'}"
    entry = "{name: s, approach: prompt, adapter: http, url: 'http://127.0.0.1:9/', attempts: 1, patience: 0, %s}"
    write(suite, {"systems.yaml": f"systems:\n  - {entry % header}\n"})
    systems = load_systems(suite / "systems.yaml")

    def run():
        monkeypatch.delenv("EVALKIT_CACHE", raising=False)
        try:
            evalkit.run(suite, systems, out=tmp_path / "run", probes="none")
        except InvalidInput:
            raise
        except evalkit.EvalkitError:  # nobody listens there
            pass

    monkeypatch.setenv("MODEL_X", "model-of-old")
    run()
    run()
    monkeypatch.setenv("MODEL_X", "model-of-now")
    with pytest.raises(InvalidInput, match="s: the variable MODEL_X of the environment") as caught:
        run()
    assert "model-of" not in str(caught.value)
    kept = b"".join(f.read_bytes() for f in (tmp_path / "run").rglob("*") if f.is_file())
    assert b"model-of" not in kept


# --- functions and objects -----------------------------------------------------------------------


def made(prompt):
    def ask(query):
        return prompt

    return ask


class Bot:
    greeting = "Ja."

    def __init__(self, prompt, **more):
        self.prompt, self.asked = prompt, 0
        self.__dict__.update(more)

    def ask(self, query):
        self.asked += 1
        return self.prompt


def executed(code):
    names = {}
    exec(dedent(code), names)  # as a cell of a notebook is
    return names["f"]


PAIRS = {
    "lambda": (lambda query: "a", lambda query: "b"),
    "closure": (made("a"), made("b")),
    "object": (Bot("a"), Bot("b")),
    "method": (Bot("a").ask, Bot("b").ask),
    "nested": (Bot([{"x": Bot("a")}]), Bot([{"x": Bot("b")}])),
    "default": (lambda query, p="a": p, lambda query, p="b": p),
    "executed": (executed("def f(query): return 'a'"), executed("def f(query): return 'b'")),
    "global": (executed("P = 'a'\ndef f(q): return P"), executed("P = 'b'\ndef f(q): return P")),
    "called": (
        executed("def g(): return 'a'\ndef f(q): return g()"),
        executed("def g(): return 'b'\ndef f(q): return g()"),
    ),
    "class": (
        executed("class C:\n  def ask(self, q): return 'a'\nf = C()"),
        executed("class C:\n  def ask(self, q): return 'b'\nf = C()"),
    ),
    "types": (made(1), made(True)),
    "functions": (made([made("a"), made("b")]), made([made("b"), made("a")])),
}


@pytest.mark.parametrize("pair", PAIRS)
def test_another_object_of_the_same_name_is_another_system(tmp_path, suite, pair):
    one, other = PAIRS[pair]
    assert held_by(one).digest() != held_by(other).digest()
    asked = {"out": tmp_path / "run", "cache": tmp_path / "cache", "probes": "none"}
    said = Said()
    evalkit.run(suite, {"m": one}, **asked)
    evalkit.run(suite, {"m": one}, **asked, watch=said)
    with pytest.raises(InvalidInput, match="started with something else: m: "):
        evalkit.run(suite, {"m": other}, **asked)
    evalkit.run(suite, {"m": other}, **{**asked, "out": tmp_path / "two"}, watch=said)
    assert "cache: 0 of 3 answers (0%) were there already" in said.lines


def test_the_difference_is_shown(tmp_path, suite):
    evalkit.run(suite, {"m": Bot("Be brief.")}, out=tmp_path / "run", probes="none")
    with pytest.raises(InvalidInput, match=r'm: self\.prompt was "Be brief\.", now "Be long\."'):
        evalkit.run(suite, {"m": Bot("Be long.")}, out=tmp_path / "run", probes="none")


def test_what_answering_itself_changes_is_no_change(tmp_path, suite):
    bot = Bot("Ja.")
    for limit in (1, 2, None):
        evalkit.run(suite, {"m": bot}, out=tmp_path / "run", probes="none", limit=limit)
    assert bot.asked == 3
    bot.prompt = "Nein."
    with pytest.raises(InvalidInput, match=r"self\.prompt was"):
        evalkit.run(suite, {"m": bot}, out=tmp_path / "run", probes="none")


def test_a_system_made_beforehand_is_looked_at_anew(tmp_path, suite):
    bot = Bot("Ja.")
    system = evalkit.system("m", bot)
    bot.prompt = "Nein."
    evalkit.run(suite, [system], out=tmp_path / "run", probes="none")
    bot.prompt = "Ja."
    with pytest.raises(InvalidInput, match=r'self\.prompt was "Nein\."'):
        evalkit.run(suite, [system], out=tmp_path / "run", probes="none")


def test_a_client_in_a_closure_can_be_used_and_is_said_not_to_be_compared(tmp_path, suite):
    openai = pytest.importorskip("openai")

    def system(url, key="sk-0123456789abcdef0123"):
        client = openai.OpenAI(base_url=url, api_key=key)
        return lambda query: "Ja." if client else ""

    asked = {"out": tmp_path / "run", "cache": tmp_path / "cache", "probes": "none"}
    evalkit.run(suite, {"m": system("http://a/v1")}, **asked)
    said = Said()
    evalkit.run(
        suite, {"m": system("http://a/v1", "sk-another-key-0123456789")}, **asked, watch=said
    )
    (line,) = [line for line in said.lines if "client (openai.OpenAI)" in line]
    assert 'version="1"' in line
    assert not any(f.is_file() for f in (tmp_path / "cache").rglob("*"))
    kept = b"".join(f.read_bytes() for f in (tmp_path / "run").rglob("*") if f.is_file())
    assert b"sk-" not in kept
    with pytest.raises(InvalidInput, match=r"base_url was .http://a/v1"):
        evalkit.run(suite, {"m": system("http://b/v1")}, **asked)


class Clocked:
    """Holds something else in every process, and here in every object."""

    numbers = itertools.count()

    def __init__(self, asked: list[str]) -> None:
        self.started = f"at {next(self.numbers)}"
        self.asked = asked.append

    def ask(self, query: str) -> str:
        self.asked(query)
        return "Ja."


def test_a_run_whose_object_holds_a_time_goes_on_once_it_is_said_of_which_version_it_is(
    tmp_path, suite
):
    def go_on(version=None, **how):
        asked: list[str] = []
        system = evalkit.system("m", Clocked(asked), approach="prompt", version=version)
        how |= {"out": tmp_path / "out", "probes": "none", "watch": (watch := Said())}
        evalkit.run(suite, [system], **how)
        return len(asked), watch.lines

    assert go_on(limit=2)[0] == 2
    with pytest.raises(InvalidInput, match=r'version=.*rerun="adopt"'):
        go_on()
    with pytest.raises(InvalidInput, match="started with something else"):
        go_on("1")
    with pytest.raises(InvalidInput, match="started with something else"):
        go_on(rerun="adopt")  # of which version?
    again, told = go_on("1", rerun="adopt")
    assert again == 1  # the two that are there stand
    assert told[0] == 'm: its earlier answers are taken for answers of version "1"'
    assert go_on("1")[0] == 0
    assert "nothing is adopted" in go_on("1", rerun="adopt")[1][0]
    with pytest.raises(InvalidInput, match='version was "1", now "2"'):
        go_on("2", rerun="adopt")  # two versions are told apart by whoever gave them


@pytest.mark.parametrize("choice", ["nonsense", "", "Changed", True])
def test_a_rerun_that_is_none_is_refused_before_anything_is_made(tmp_path, suite, choice):
    with pytest.raises(InvalidInput, match=r"rerun is .*one of changed, adopt, or None"):
        evalkit.run(suite, {"m": lambda query: "Ja."}, out=tmp_path / "out", rerun=choice)
    assert not (tmp_path / "out").exists()


def test_a_version_that_is_adopted_does_not_stand_for_other_code(tmp_path, suite):
    def other(query: str) -> str:
        return "Nein."

    out = tmp_path / "out"
    evalkit.run(suite, {"m": lambda query: "Ja."}, out=out, limit=1)
    with pytest.raises(InvalidInput, match="started with something else"):
        evalkit.run(suite, [evalkit.system("m", other, version="1")], out=out, rerun="adopt")


def test_a_version_stands_for_what_an_object_holds_but_not_for_its_code(tmp_path, suite):
    def run(target, version, out="run"):
        said = Said()
        system = evalkit.system("m", target, version=version)
        asked = {"out": tmp_path / out, "cache": tmp_path / "cache", "probes": "none"}
        evalkit.run(suite, [system], **asked, watch=said)
        return said.lines

    run(Bot("Ja.", session=object(), at=1), "1")
    assert "cache: 3 of 3 answers (100%) were there already" in run(Bot("Ja.", at=2), "1", "two")
    with pytest.raises(InvalidInput, match='version was "1", now "2"'):
        run(Bot("Ja."), "2")
    with pytest.raises(InvalidInput, match="the code of"):
        run(lambda query: "Ja.", "1")


HELD = """
import dataclasses, enum, json, re, threading
from decimal import Decimal
from pathlib import Path
import numpy as np
from evalkit.fingerprints.held import held_by
class Mode(enum.Enum):
    A, B = 1, 2
@dataclasses.dataclass
class Doc:
    text: str
class Slots:
    __slots__ = ("x",)
class Bot:
    def __init__(self):
        self.modes, self.ids, self.lock = {Mode.A, Mode.B}, frozenset("abcdef"), threading.Lock()
        self.docs, self.vectors, self.pattern = [Doc("a")], np.arange(4.0), re.compile("a|b")
        self.money, self.path, self.tools = Decimal("1.5"), Path("x"), {"a": self.ask, "b": len}
        self.me, self.slots, self.raw = self, Slots(), b"raw"
        self.slots.x = "in a slot"
        self.token = "perhaps a secret"
    def ask(self, query):
        return {"a", "b", "c"} & set(query)
print(json.dumps(dataclasses.asdict(held_by(Bot())), default=sorted))
"""


def test_the_same_object_is_the_same_in_every_process():
    found = [
        subprocess.run(
            [sys.executable, "-c", HELD],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "7")
    ]
    assert found[0] == found[1]
    held = json.loads(found[0])
    assert held["opaque"] == []
    assert " at 0x" not in found[0]
    assert "perhaps a secret" not in found[0]
    assert "in a slot" in held["values"].values() or '"in a slot"' in held["values"].values()


@pytest.mark.parametrize(
    "reads",
    [
        '(PROMPTS / "sys.md").read_text()',
        '(PROMPTS / f"{q}.md").read_text()',
        'open(os.path.join(PROMPTS, "sys.md")).read()',
    ],
)
def test_a_prompt_in_a_folder_that_a_variable_names_is_watched(suite, reads):
    code = f"""
    import os
    from pathlib import Path
    PROMPTS = Path(__file__).parent / "prompts"
    def ask(q):
        return {reads}
    """
    write(suite, {"my_system.py": code, "prompts/sys.md": "Be kind."})
    assert "prompts/sys.md" in of_target("my_system", suite).files


@pytest.mark.parametrize("put", ["sys.path += [LIB]", "sys.path[:0] = [LIB]"])
def test_a_folder_put_on_the_import_path_by_assignment_is_searched(tmp_path, suite, put):
    code = f"""
    import sys
    from pathlib import Path
    LIB = str(Path(__file__).parents[1] / "lib")
    {put}
    import impl
    """
    write(tmp_path, {"lib/impl.py": "x = 1"})
    write(suite, {"my_system.py": code})
    found = of_target("my_system", suite)
    assert {Path(file).name for file in found.files} == {"my_system.py", "impl.py"}
    assert found.unwatched == []


def test_a_module_that_another_makes_findable_is_followed(tmp_path, suite):
    paths = """
    import sys
    from pathlib import Path
    sys.path.insert(0, str(Path(__file__).parents[1] / "lib"))
    """
    write(tmp_path, {"lib/impl.py": "x = 1"})
    write(suite, {"my_system.py": "import impl, paths", "paths.py": paths})
    found = of_target("my_system", suite)
    assert {Path(file).name for file in found.files} == {"my_system.py", "paths.py", "impl.py"}
    assert found.unwatched == []


# --- what is hard to look at ---------------------------------------------------------------------

CONFIGURED = {
    "llm.py": "MODEL = None\ndef configure(m):\n    global MODEL\n    MODEL = m\ndef call(q): return MODEL\n",
    "cfg/__init__.py": "",
    "cfg/settings.py": "MODEL = 'default'\nclass Settings:\n    model = 'x'\n",
}
BY = {
    "function": "import llm; llm.configure(V)\nfrom llm import call\ndef f(q): return call(q)",
    "nested": "import cfg.settings; cfg.settings.MODEL = V\ndef f(q): return cfg.settings.MODEL",
    "class": "from cfg.settings import Settings; Settings.model = V\ndef f(q): return Settings.model",
    "text": "MODEL = V\ndef f(q): return globals()['MODEL']",
    "dict": "class C(dict): pass\nC = C(a=1); C.model = V\ndef f(q): return C.model",
    "str": "class P(str): pass\nP = [P('hello')]; P[0].style = V\ndef f(q): return P[0].style",
    "context": "import contextvars\nM = contextvars.ContextVar('M'); M.set(V)\ndef f(q): return M.get()",
    "eos_token": "C = {'gen': {'eos_token': V}, 'model_key': 1}\ndef f(q): return C",
}


@pytest.mark.parametrize("way", BY)
def test_what_is_configured_when_the_run_begins_is_seen(tmp_path, monkeypatch, way):
    write(tmp_path, CONFIGURED)
    monkeypatch.syspath_prepend(str(tmp_path))
    found = {}
    for value in ("big", "small", "big again"):
        for name in ("llm", "cfg", "cfg.settings"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        held = held_by(executed(f"V = {value!r}\n{BY[way]}"))
        assert held.opaque == []
        found[value] = held.digest()
    assert len(set(found.values())) == 3


class Proxy:
    @property
    def __class__(self):
        raise RuntimeError("outside of a context")

    __dict__ = __class__

    def __getattr__(self, name):
        raise KeyError(name)


class Lazy:
    def __getattr__(self, name):
        return Lazy()

    def ask(self, query):
        return "Ja."


def nested(depth):
    found = []
    for _ in range(depth):
        found = [found]
    return found


def chained(count):
    found = None
    for _ in range(count):
        found = Bot("Ja.", next=found)
    return found


def filled(kind):
    found = kind()
    found.put("a few examples")
    return found


UNSEEN = {
    "proxy": (Proxy(), "proxy"),
    "deep": (nested(3000), "more than 200 levels"),
    "chain": (chained(3000), "more than 200 levels"),
    "cycle": (itertools.cycle("ab"), "itertools.cycle"),
    "queue": (filled(queue.Queue), "queue.Queue"),
    "set": ({object(), object()}, "set"),
}


@pytest.mark.parametrize("what", UNSEEN)
def test_what_cannot_be_looked_at_is_said_and_breaks_nothing(what):
    value, said = UNSEEN[what]
    (told,) = held_by(Bot("Ja.", proxy=value)).opaque
    assert said in told


def test_an_object_that_answers_to_every_name_is_no_system_made_beforehand(tmp_path, suite):
    evalkit.run(suite, {"m": Lazy()}, out=tmp_path / "run", probes="none", limit=1)


def test_an_empty_queue_is_only_a_tool():
    assert held_by(Bot("Ja.", waiting=queue.Queue(), here=threading.local())).opaque == []


def test_the_order_in_which_a_mapping_was_filled_does_not_count():
    one, other = {"a": [0], "b": {"c": 1, "d": 2}}, {"b": {"d": 2, "c": 1}, "a": [0]}
    assert held_by(Bot(one)).digest() == held_by(Bot(other)).digest()
    objects = [{name: Bot(name) for name in names} for names in ("abc", "cba")]
    assert held_by(Bot(objects[0])).digest() == held_by(Bot(objects[1])).digest()


def test_names_stay_short_where_many_objects_are_of_one_class():
    held = held_by(Bot([Bot(i) for i in range(900)]))
    assert held.opaque == []
    assert max(map(len, [*held.values, *held.code])) < 60


def test_no_secret_of_a_mapping_is_kept():
    held = held_by(Bot({"api_key": "one", "token": "two", "x": {"Authorization": "three"}}))
    mixed = held_by(Bot({"api_key": "one", "token": "two", "f": Bot("Ja.")}))
    kept = json.dumps([held.values, mixed.values])
    assert not any(secret in kept for secret in ("one", "two", "three"))
