"""A run that goes on: what has changed since is told, and only what that touches is asked again."""

import asyncio
import json
import random
import sqlite3
import subprocess
import sys
from textwrap import indent

import pytest

import evalkit
from evalkit.errors import BudgetExceeded, InvalidInput, StorageError
from evalkit.fingerprints.imports import followed
from evalkit.records import Failure, Limit, Trace, Usage
from evalkit.resume import agree, in_words
from evalkit.store import Store
from evalkit.suite import load_suite, load_systems
from evalkit.systems import build
from evalkit.watch import Watcher

SUITE = "format: 1\nname: tiny\nk: 5\nschema: schema.json\nstyle: style.yaml\ntrain: train.jsonl\n"
CASE = '{"id": "%s", "query": "%s", "reference": {"a": 1}, "principal": "ann", "inputs": {"x": 1}}'
SYSTEMS = """\
systems:
  - {name: code, approach: rag, adapter: python, target: 'agent:Agent', args: {tone: dry, notes: notes.md}}
  - {name: model, approach: rag, adapter: openai, base_url: 'http://127.0.0.1:9/v1', model: small,
     prompt: prompt.txt, temperature: 0, timeout: 9, retriever: {kind: bm25, k: 3}, extra_body: {top_p: 1}}
  - {name: service, approach: rag, adapter: http, url: 'http://127.0.0.1:9/ask',
     headers: {Authorization: 'Bearer hunter2hunter2'}, request: {q: '{query}', n: '{k}'}}
"""
FILES = {
    "suite.yaml": SUITE,
    "cases.jsonl": "\n".join(CASE % (f"c{i}", f"Wann öffnet Laden {i}?") for i in range(3)),
    "corpus.jsonl": '{"_id": "d1", "text": "Montags offen."}\n{"_id": "d2", "text": "営業中"}',
    "train.jsonl": '{"id": "t1", "query": "?", "reference": "ja"}',
    "schema.json": '{"type": "object"}',
    "style.yaml": "max_words: 20\n",
    "systems.yaml": SYSTEMS,
    "prompt.txt": "Be brief.\n{context}\na\n{query}\n",
    "notes.md": "one\ntwo\n",
    "page.j2": "{{ text }}\n",
    "agent.py": "import parts.one\nPAGE = 'page.j2'\nclass Agent:\n"
    "    def __init__(self, tone, notes): pass\n    def ask(self, query): return 'ja'\n",
    "parts/__init__.py": "",
    "parts/one.py": "from .two import word\n",
    "parts/two.py": "word = 'ja'\n",
    "unrelated.py": "x = 1\n",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    for name, text in FILES.items():
        file = tmp_path / "suite" / name
        file.parent.mkdir(exist_ok=True, parents=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path / "suite"


def agreed(folder, *, seed=0, rerun=None, cases=("c0", "c1", "c2")) -> list[str]:
    """Agree to what the folder holds; the store then has an answer to every case."""

    async def work():
        suite = load_suite(folder)
        made = [(build(spec, suite), spec) for spec in load_systems(folder / "systems.yaml")]
        try:
            with Store(folder.parent / "run") as store:
                told = agree(store, suite, made, seed, rerun=rerun)
                kept = {key[:3] for key in store.done()}
                store.put_all(
                    Trace(response="ja", system=s.name, case_id=c, condition=condition)
                    for s, _ in made
                    for c in cases
                    for condition in ("as_is", "oracle_context")
                )
                return told, kept
        finally:
            for system, _ in made:
                await system.aclose()

    told, agreed.kept = asyncio.run(work())
    return told


def change(folder, name, old, new):
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")


CHANGES = [  # file, what was there, what is there now, what is said of it
    ("cases.jsonl", "Laden 1?", "Laden eins?", "cases.jsonl: 1 case changed: c1"),
    ("cases.jsonl", '"a": 1', '"a": 2', "cases.jsonl: 1 case changed: c0 (its labels only)"),
    ("cases.jsonl", '"ann"', '"bob"', "cases.jsonl: 1 case changed: c0"),
    ("cases.jsonl", '"x": 1', '"x": 2', "cases.jsonl: 1 case changed: c0"),
    ("cases.jsonl", '"id": "c2"', '"id": "c9"', "1 case is new: c9; 1 case is gone: c2"),
    ("cases.jsonl", CASE % ("c1", "Wann öffnet Laden 1?") + "\n", "", "1 case is gone: c1"),
    ("corpus.jsonl", "営業中", "閉店", "corpus.jsonl: 1 document changed: d2"),
    ("corpus.jsonl", '"d1"', '"d3"', "1 document is new: d3; 1 document is gone: d1"),
    ("train.jsonl", '"ja"', '"nein"', "the train file changed"),
    ("schema.json", '"object"', '["object", "null"]', "an output schema changed"),
    ("style.yaml", "20", "30", "cases.jsonl: 3 cases changed: c0, c1, c2 (their labels only)"),
    ("suite.yaml", "k: 5", "k: 6", "suite.yaml: k was 5, now 6"),
    ("suite.yaml", "k: 5", "k: 5\npool: 50", "suite.yaml: pool was 20, now 50"),
    ("systems.yaml", "small", "large", 'model: model was "small", now "large"'),
    ("systems.yaml", "temperature: 0", "temperature: 1", "model: temperature was 0, now 1"),
    ("systems.yaml", "top_p: 1", "top_p: 0.5", "model: extra_body top_p was 1, now 0.5"),
    ("systems.yaml", "kind: bm25, k: 3", "kind: bm25, k: 4", "model: retriever k was 3, now 4"),
    ("systems.yaml", ":9/v1", ":8/v1", "model: base_url was"),
    ("systems.yaml", "tone: dry", "tone: warm", 'code: args tone was "dry", now "warm"'),
    ("systems.yaml", "n: '{k}'", "n: '{seed}'", "service: request n was"),
    ("systems.yaml", "hunter2hunter2", "hunter3hunter3", "service: headers Authorization changed"),
    ("systems.yaml", "model, approach: rag", "model, approach: hybrid", "approach was rag, now"),
    ("prompt.txt", "\na\n", "\nb\n", "model: prompt.txt line 3: 'a' -> 'b'"),
    ("prompt.txt", "Be brief.\n", "", "model: prompt.txt line 1: 'Be brief.' -> nothing"),
    ("notes.md", "two", "2", "code: notes.md line 2: 'two' -> '2'"),
    ("agent.py", "'ja'", "'nein'", "code: agent.py changed (1 line)"),
    ("parts/one.py", "word", "word, word", "code: parts/one.py changed (1 line)"),
    ("parts/two.py", "'ja'", "'nein'\n# more", "code: parts/two.py changed (2 lines)"),
    ("page.j2", "text", "words", "code: page.j2 line 1"),
]


@pytest.mark.parametrize(("name", "old", "new", "said"), CHANGES)
def test_every_change_is_refused_and_named(folder, name, old, new, said):
    assert agreed(folder) == []
    assert agreed(folder) == []
    change(folder, name, old, new)
    with pytest.raises(InvalidInput) as caught:
        agreed(folder)
    assert said in str(caught.value)
    assert str(caught.value).count("->") + str(caught.value).count("changed") <= 3
    assert "--rerun changed" in str(caught.value)
    assert caught.value.exit_code == 3
    change(folder, name, new, old) if new else (folder / name).write_text(FILES[name])
    assert agreed(folder) == []


READS = {
    "conf.json": "CONF = Path(__file__).parent / 'conf.json'\ndata = open(CONF).read()\n",
    "data/deep.jsonl": "data = (Path(__file__).parent / 'data' / 'deep.jsonl').read_text()\n",
    "data/joined.csv": "data = open(os.path.join(os.path.dirname(__file__), 'data', 'joined.csv'))\n",
    "table.tsv": "data = open('table.tsv')\n",
    "settings.ini": "data = open('settings.ini', mode='r')\n",
    "setup.cfg": "data = open('setup.cfg', 'rb')\n",
    "page.html": "data = open('page.html')\n",
    "tree.xml": "data = open('tree.xml')\n",
    "weights.npz": "data = open('weights.npz', 'rb')\n",
    # what another function, or another folder, is written is not what is read here
    "own.json": "def a():\n    path = 'own.json'\n    return open(path)\ndef b(path): path.write_text('')\n",
    "out.json": "data = open('out.json')\ndef b(to): (to / 'out.json').write_text('')\n",
    "sub.json": "data = open('sub.json')\n(Path(__file__).parent / 'runs' / 'sub.json').write_text('')\n",
}


def named(folder, name, code, content=b"one\n"):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    text = (folder / "agent.py").read_text(encoding="utf-8")
    (folder / "agent.py").write_text(f"import used\n{text}", encoding="utf-8")
    (folder / "used.py").write_text(f"def never():\n{indent(code, '    ')}", encoding="utf-8")


def watched(folder) -> set[str]:
    return set(followed(folder / "agent.py", folder).files)


@pytest.mark.parametrize("name", READS)
def test_a_data_file_that_code_reads_may_not_change(folder, name):
    named(folder, name, READS[name])
    assert agreed(folder) == []
    assert agreed(folder) == []
    (folder / name).write_bytes(b"two\n")
    with pytest.raises(InvalidInput, match=rf"code: {name} changed \(1 line\)"):
        agreed(folder)


@pytest.mark.parametrize(
    "code",
    [
        "open('log.jsonl', 'a')\n",
        "open('log.jsonl', mode='wb')\n",
        "Path('log.jsonl').open('x')\n",
        "(Path(__file__).parent / 'log.jsonl').write_text('')\n",
        "LOG = Path(__file__).resolve().parent / 'log.jsonl'\nLOG.write_bytes(b'')\n",
        "with open(os.path.join(os.path.dirname(__file__), 'log.jsonl'), 'r+') as f: f.write('')\n",
    ],
)
def test_a_file_that_code_writes_by_name_may_change(folder, code):
    named(folder, "log.jsonl", code)
    assert "used.py" in watched(folder)
    assert "log.jsonl" not in watched(folder)


def test_of_a_very_large_file_size_and_ends_are_compared(folder):
    named(folder, "model.onnx", "data = open('model.onnx', 'rb')\n")
    with (folder / "model.onnx").open("wb") as file:
        file.truncate(17 << 20)
    agreed(folder)
    with (folder / "model.onnx").open("r+b") as file:
        file.seek(8 << 20)
        file.write(b"x")
    assert agreed(folder) == []
    with (folder / "model.onnx").open("r+b") as file:
        file.seek(-3, 2)
        file.write(b"x")
    with pytest.raises(InvalidInput, match=r"code: model\.onnx changed"):
        agreed(folder)


def test_another_seed_is_refused(folder):
    agreed(folder)
    with pytest.raises(InvalidInput, match="seed was 0, now 7"):
        agreed(folder, seed=7)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("unrelated.py", "1", "2"),
        ("systems.yaml", "timeout: 9", "timeout: 90, concurrency: 3"),
        ("suite.yaml", "name: tiny", "name: tiny  # a remark"),
        ("suite.yaml", "name: tiny", "name: tiny\nlicence: MIT"),
    ],
)
def test_what_no_answer_depends_on_may_change(folder, name, old, new):
    agreed(folder)
    change(folder, name, old, new)
    assert agreed(folder) == []


def test_what_only_grades_depend_on_is_told_and_nothing_is_asked_again(folder):
    agreed(folder)
    change(folder, "suite.yaml", "k: 5", "k: 5\nmax_error_rate: 0.5")
    assert agreed(folder) == ["suite.yaml: max_error_rate was 0.02, now 0.5"]
    assert len(agreed.kept) == 18


@pytest.mark.parametrize(
    ("name", "old", "new", "gone"),
    [
        ("cases.jsonl", "Laden 1?", "Laden eins?", {("*", "c1", "*")}),
        ("cases.jsonl", '"a": 1', '"a": 2', {("*", "c0", "oracle_context")}),
        ("prompt.txt", "brief", "long", {("model", "*", "*")}),
        ("parts/two.py", "ja", "nein", {("code", "*", "*")}),
        ("corpus.jsonl", "営業中", "閉店", {("*", "*", "*")}),
    ],
)
def test_rerun_changed_drops_only_what_the_change_touches(folder, name, old, new, gone):
    agreed(folder)
    change(folder, name, old, new)
    told = agreed(folder, rerun="changed")
    assert "asked again" in told[-1]
    every = {
        (s, c, d)
        for s in ("code", "model", "service")
        for c in ("c0", "c1", "c2")
        for d in ("as_is", "oracle_context")
    }
    touched = {
        key
        for key in every
        if any(all(p in ("*", k) for p, k in zip(one, key, strict=True)) for one in gone)
    }
    assert agreed.kept == every - touched
    assert agreed(folder) == []


GONE = CASE % ("c1", "Wann öffnet Laden 1?") + "\n"
LEFT_OUT = "6 earlier answers are left out, since the suite has the question no more"


@pytest.mark.parametrize(
    ("changes", "said", "kept"),
    [
        ([(GONE, "")], f"{LEFT_OUT}; the others stand", 12),
        (
            [(GONE, ""), ("Laden 0?", "Laden null?")],
            f"{LEFT_OUT}; 6 earlier answers are asked again; the others stand",
            6,
        ),
        ([("Laden 1?", "Laden eins?")], "6 earlier answers are asked again; the others stand", 12),
        ([(GONE, GONE + GONE.replace("c1", "c7"))], "the earlier answers stand", 18),
    ],
)
def test_what_becomes_of_earlier_answers_is_told_as_it_is(folder, changes, said, kept):
    agreed(folder)
    for old, new in changes:
        change(folder, "cases.jsonl", old, new)
    assert agreed(folder, rerun="changed")[-1] == said
    assert len(agreed.kept) == kept


def test_no_secret_of_the_systems_file_is_in_the_store(folder):
    agreed(folder)
    data = b"".join(f.read_bytes() for f in (folder.parent / "run").iterdir())
    assert b"hunter2" not in data
    assert b"prompt.txt" in data


# --- the whole way -------------------------------------------------------------------------------


class Counting:
    def __init__(self, fail=(), seconds=0.0):
        self.asked, self.fail, self.seconds = [], set(fail), seconds

    async def ask(self, query):
        self.asked.append(query)
        await asyncio.sleep(self.seconds)
        if query in self.fail:
            return {"error": {"kind": "timeout", "message": "late"}}
        return {"response": "It is open.", "usage": {"cost": 0.5, "prompt_tokens": 7}}


class Said(Watcher):
    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)


@pytest.fixture
def plain(tmp_path):
    folder = tmp_path / "plain"
    folder.mkdir()
    cases = [{"id": f"c{i}", "query": f"q{i}", "reference": "It is open."} for i in range(6)]
    (folder / "suite.yaml").write_text("format: 1\nname: plain\n")
    (folder / "cases.jsonl").write_text("\n".join(map(json.dumps, cases)))
    return folder


def run(suite, system, out, **options):
    same = evalkit.system("mine", system, version="1")  # whatever it counts, or how slow it is
    return evalkit.run(suite, {"mine": same}, out=out, **{"probes": "none", **options})


def test_limit_on_a_finished_folder_shows_those_cases(plain, tmp_path):
    system = Counting()
    assert run(plain, system, tmp_path / "run").systems["mine"].due == 6
    assert run(plain, system, tmp_path / "run", limit=2).systems["mine"].due == 2
    assert run(plain, system, tmp_path / "run").systems["mine"].due == 6
    assert len(system.asked) == 6


def test_an_answer_that_timed_out_is_unknown_and_asked_again(plain, tmp_path):
    first, said = Counting(fail={"q1"}), Said()
    found = run(plain, first, tmp_path / "run", watch=said)
    assert found.systems["mine"].counts["errors"] == 1
    assert any(
        "1 sent without an answer" in line and "possible cost up to 0.50" in line
        for line in said.lines
    )
    second = Counting()
    found = run(plain, second, tmp_path / "run", watch=said)
    assert second.asked == ["q1"]
    assert found.systems["mine"].counts["errors"] == 0
    assert any(line.startswith("1 earlier call was sent") for line in said.lines)
    third = Counting()
    run(plain, third, tmp_path / "run")
    assert third.asked == []
    with Store(tmp_path / "run", reading=True) as store:
        counts = store.counts()
        assert (counts.done, counts.unknown, counts.possible_cost) == (6, 1, 0.5)


def test_max_time_ends_with_everything_kept(plain, tmp_path):
    system = Counting(seconds=0.2)
    with pytest.raises(BudgetExceeded, match=r"limit of time: \d of 6 .* same --out") as caught:
        run(plain, system, tmp_path / "run", max_time=0.7, concurrency=1)
    assert caught.value.exit_code == 8
    assert 1 <= len(system.asked) <= 3  # none is begun that would end after 0.7 seconds
    quick = Counting()
    assert run(plain, quick, tmp_path / "run", max_time=60).systems["mine"].due == 6
    assert sorted(system.asked + quick.asked) == [f"q{i}" for i in range(6)]


def test_the_first_answers_tell_what_the_rest_will_take(plain, tmp_path):
    said = Said()
    run(plain, Counting(), tmp_path / "run", watch=said)
    (line,) = said.lines
    assert "about 1 calls, 7 tokens, cost 0.50" in line


def test_an_interrupt_waits_for_the_answers_under_way(plain, tmp_path):
    system = Counting(seconds=0.3)

    async def work():
        task = asyncio.ensure_future(
            evalkit.arun(plain, {"mine": system}, out=tmp_path / "run", concurrency=2)
        )
        while len(system.asked) < 2:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(work())
    with Store(tmp_path / "run", reading=True) as store:
        counts = store.counts()
        assert (len(store.done()), counts.done, counts.unknown, counts.planned) == (2, 2, 0, 4)
    evalkit.run(plain, {"mine": system}, out=tmp_path / "run", probes="none")
    assert sorted(system.asked) == [f"q{i}" for i in range(6)]


def test_a_reader_sees_the_store_as_it_was_while_another_writes(tmp_path):
    answer = Trace(response="ja", system="s", case_id="c0", usage=Usage(cost=1.0))
    with Store(tmp_path) as writer:
        writer.put_all([answer])
        with Store(tmp_path, reading=True) as reader:
            writer.put_all([Trace(response="ja", system="s", case_id="c1")])
            assert len(reader.done()) == 1
            with pytest.raises(StorageError):
                reader.note("a", "b")
        assert len(writer.done()) == 2
    with Store(tmp_path, reading=True) as reader:
        assert len(reader.done()) == 2


# --- damage --------------------------------------------------------------------------------------


def filled(folder, answers=40):
    async def work(store):
        for i in range(answers):
            number = await store.begin(("s", f"c{i}", "as_is", 0))
            error = Failure("exception", "no") if i == 1 else None
            trace = Trace(response=f"Antwort {i} ü", system="s", case_id=f"c{i}", error=error)
            await store.put(trace, number)

    with Store(folder) as store:
        store.agree({"suite": "x"})
        asyncio.run(work(store))
    return folder / "run.sqlite"


def test_a_changed_letter_in_an_answer_is_found_dropped_and_told(tmp_path):
    file = filled(tmp_path)
    data = file.read_bytes()
    assert data.count("Antwort 7 ü".encode()) == 1
    file.write_bytes(data.replace("Antwort 7 ü".encode(), "Antwort 8 ü".encode()))
    with pytest.raises(StorageError, match=r"\(s c7 as_is 0\) were damaged"):
        Store(tmp_path, reading=True)
    with Store(tmp_path) as store:
        assert store.healed == [
            "1 answers (s c7 as_is 0) were damaged and dropped, to be asked again"
        ]
        assert len(store.done()) == 39
    with Store(tmp_path) as store:
        assert store.healed == []


@pytest.mark.parametrize("seed", range(40))
def test_flipped_bits_anywhere_are_never_silent(tmp_path, seed):
    file, chance = filled(tmp_path), random.Random(seed)
    with Store(tmp_path, reading=True) as store:
        before = {trace.case_id: trace for trace in store.traces("s")}
    data = bytearray(file.read_bytes())
    used = [i for i, byte in enumerate(data) if byte]
    for place in chance.sample(used, 3):
        data[place] ^= 1 << chance.randrange(8)
    file.write_bytes(bytes(data))
    try:
        with Store(tmp_path) as store:
            told, after = store.healed, {t.case_id: t for t in store.traces("s")}
            recipe = store.recipe()
    except StorageError:
        return
    assert all(after[case_id] == before[case_id] for case_id in after)
    assert len(after) == 40 or any("dropped" in line or "missing" in line for line in told)
    assert recipe == {"suite": "x"}


def test_a_log_that_is_gone_is_told_and_what_it_held_is_asked_again(tmp_path):
    filled(tmp_path, 3)
    code = (
        "import os, sys, pathlib\nfrom evalkit.store import Store\nfrom evalkit.records import Trace\n"
        "store = Store(pathlib.Path(sys.argv[1]))\n"
        "store.put_all([Trace(response='a', system='s', case_id='late')])\nos._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    (tmp_path / "run.sqlite-wal").unlink()
    with pytest.raises(StorageError, match="2 of 10 commits are missing"):
        Store(tmp_path, reading=True)
    with Store(tmp_path) as store:
        (told,) = store.healed
        assert told.startswith("2 of 10 commits are missing")
        assert len(store.done()) == 3
    Store(tmp_path, reading=True).close()


@pytest.mark.parametrize("kept", [0, 100, 4096, 20_000])
def test_a_file_cut_short_is_refused(tmp_path, kept):
    file = filled(tmp_path)
    file.write_bytes(file.read_bytes()[:kept])
    for reading in (False, True):
        with pytest.raises(StorageError):
            Store(tmp_path, reading=reading)


def test_an_older_copy_of_the_store_is_told(tmp_path):
    file = filled(tmp_path, 5)
    older = file.read_bytes()
    with Store(tmp_path) as store:
        store.put_all([Trace(response="a", system="s", case_id="late")])
    file.write_bytes(older)
    with Store(tmp_path) as store:
        assert "an older copy" in store.healed[0]


def test_a_store_of_the_version_before_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "run.sqlite") as db:
        db.executescript(
            "CREATE TABLE recipe (name, value); CREATE TABLE traces (trace); PRAGMA user_version=1"
        )
    db.close()
    for reading in (False, True):
        with pytest.raises(StorageError, match=r"another version of evalkit \(store 1"):
            Store(tmp_path, reading=reading)


def test_everything_in_a_run_folder_is_for_its_owner_only(tmp_path):
    filled(tmp_path / "run")
    with Store(tmp_path / "run"):
        modes = {f.name: f.stat().st_mode & 0o777 for f in (tmp_path / "run").iterdir()}
    assert set(modes) >= {"run.sqlite", "run.lock", "run.sqlite-session"}
    assert set(modes.values()) == {0o600}


def test_a_setting_is_told_as_it_stands_in_yaml():
    limits = (Limit("R@5", at_least=0.8), Limit("日本", at_most=0.1, tags=("golden",)))
    assert in_words(repr(limits)) == (
        "[{metric: R@5, at_least: 0.8, margin: 0.0}, "
        "{metric: 日本, at_most: 0.1, margin: 0.0, tags: [golden]}]"
    )
    assert [in_words(value) for value in (repr(()), None, "5", "<odd>")] == [
        *("nothing", "nothing", "5", "<odd>"),
    ]
