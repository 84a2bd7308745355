import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import Busy, InvalidInput, StorageError
from evalkit.records import Failure, Passage, Trace
from evalkit.store import Store, rows
from evalkit.store.opening import NothingStoredError


def trace(case_id="c", repeat=0, system="s", **fields) -> Trace:
    return Trace(response="答え", system=system, case_id=case_id, repeat=repeat, **fields)


def python(code: str, *arguments, **options):
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def test_what_is_put_is_read_back_in_order_by_the_next_store(tmp_path):
    passage = Passage("d", "d#1", "text", None, 0.5)
    full = trace("b", retrieved=(passage,), context=(), meta={"a": [1]})
    with Store(tmp_path / "run") as store:
        asyncio.run(store.put(full))
        store.put_all([trace("a", 1), trace("a", 0), trace("a", system="t")])
    with Store(tmp_path / "run") as store:
        assert [(t.case_id, t.repeat) for t in store.traces("s")] == [("a", 0), ("a", 1), ("b", 0)]
        assert list(store.traces("s"))[-1] == full
        assert store.systems() == ["s", "t"]
        assert list(store.traces("nobody")) == []


def test_an_answer_put_again_replaces_the_first(tmp_path):
    with Store(tmp_path) as store:
        store.put_all([trace(error=Failure("timeout", "late"))])
        assert (len(store.done()), store.done(errors=False)) == (1, set())
        store.put_all([trace()])
        assert store.done(errors=False) == {("s", "c", "as_is", 0)}


def test_tasks_that_put_at_once_share_commits(tmp_path):
    commits = []

    async def work(store):
        await asyncio.gather(*(store.put(trace(f"c{i}")) for i in range(200)))

    with Store(tmp_path) as store:
        store._db.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
        asyncio.run(work(store))
        assert len(store.done()) == 200
    assert 1 <= len(commits) <= 10  # a few dozen share each


def test_a_put_that_returned_is_on_disk_for_others(tmp_path):
    async def work(store):
        for i in range(20):
            await store.put(trace(f"c{i}"))
            with sqlite3.connect(f"file:{store.file}?mode=ro", uri=True) as other:
                assert other.execute("SELECT count(*) FROM traces").fetchone() == (i + 1,)
            other.close()

    with Store(tmp_path) as store:
        asyncio.run(work(store))


def test_a_commit_outlives_a_power_cut(tmp_path):
    with Store(tmp_path) as store:  # FULL syncs the log at every commit; NORMAL would not
        assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert store._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_text_that_is_no_unicode_does_not_stop_a_run(tmp_path):
    with Store(tmp_path) as store:
        asyncio.run(
            asyncio.wait_for(store.put(Trace(response="a\ud800b", system="s", case_id="c")), 5)
        )
        (found,) = store.traces("s")
        assert found.response == "a?b"


def test_a_value_that_is_no_json_is_raised_to_whoever_puts_it(tmp_path):
    async def work(store):
        with pytest.raises(ValueError, match="JSON"):
            await store.put(trace(meta={"x": float("nan")}))
        await store.put(trace())

    with Store(tmp_path) as store:
        asyncio.run(asyncio.wait_for(work(store), 5))
        assert len(store.done()) == 1


def test_answers_handed_over_before_an_interrupt_are_kept(tmp_path):
    async def work(store):
        tasks = [asyncio.create_task(store.put(trace(f"c{i}"))) for i in range(50)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        store.close()

    asyncio.run(work(Store(tmp_path)))
    with Store(tmp_path) as store:
        assert len(store.done()) == 50


# --- the recipe ------------------------------------------------------------------------------


def test_the_same_recipe_agrees_and_new_systems_may_join(tmp_path):
    with Store(tmp_path) as store:
        assert store.recipe() == {}
        store.agree({"suite": "x", "seed": 0})
        store.agree({"suite": "x", "seed": 0, "system b": "rag 1"})
    with Store(tmp_path) as store:
        assert store.recipe() == {"seed": 0, "suite": "x", "system b": "rag 1"}


def test_another_recipe_is_refused_with_the_difference(tmp_path):
    with Store(tmp_path) as store:
        store.agree({"suite": "x", "seed": 0, "options": {"a": 1, "b": 2}})
        with pytest.raises(InvalidInput) as caught:
            store.agree({"suite": "y", "seed": 0, "options": {"a": 1, "b": 3}})
        assert "suite was x, now y" in str(caught.value)
        assert "options b was 2, now 3" in str(caught.value)
        assert "seed" not in str(caught.value)
        assert store.recipe()["suite"] == "x"


# --- other processes -------------------------------------------------------------------------

_HOLD = """
    import sys, pathlib
    from evalkit.store import Store, rows
    with Store(pathlib.Path(sys.argv[1])):
        print("held", flush=True)
        sys.stdin.read()
"""


def test_a_second_writer_is_told_that_the_folder_is_busy(tmp_path):
    holder = python(_HOLD, tmp_path / "run", stdin=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Busy, match="another run is writing here") as caught:
            Store(tmp_path / "run")
        assert caught.value.exit_code == 5
    finally:
        holder.communicate()
    Store(tmp_path / "run").close()


def test_a_killed_writer_leaves_no_lock_behind(tmp_path):
    holder = python(_HOLD, tmp_path / "run", stdin=subprocess.PIPE)
    assert holder.stdout.readline() == "held\n"
    holder.kill()
    holder.communicate()
    Store(tmp_path / "run").close()


_WRITE = """
    import asyncio, itertools, pathlib, sys
    from evalkit.records import Trace
    from evalkit.store import Store, rows

    async def work(store):
        numbers = itertools.count()
        async def worker():
            for i in numbers:
                await store.put(Trace(response="x" * 2000, system="s", case_id=f"c{i}"))
                print(f"c{i}", flush=True)
        await asyncio.gather(*(worker() for _ in range(8)))

    with Store(pathlib.Path(sys.argv[1])) as store:
        asyncio.run(work(store))
"""


@pytest.mark.parametrize("after", [1, 40, 150])
def test_kill_9_in_mid_write_loses_no_acknowledged_answer(tmp_path, after):
    writer = python(_WRITE, tmp_path / "run")
    said = [writer.stdout.readline() for _ in range(after)]
    os.kill(writer.pid, signal.SIGKILL)
    rest, _ = writer.communicate()
    acknowledged = {
        line.strip() for line in [*said, *rest.splitlines(keepends=True)] if line.endswith("\n")
    }
    with Store(tmp_path / "run") as store:
        kept = {t.case_id for t in store.traces("s")}
    assert len(acknowledged) >= after
    assert acknowledged <= kept


# --- damage ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["run.sqlite", "run.lock"])
def test_a_file_that_is_no_database_is_a_storage_error(tmp_path, name):
    (tmp_path / name).write_bytes(b"not a database at all" * 100)
    with pytest.raises(StorageError) as caught:
        Store(tmp_path)
    assert caught.value.exit_code == 6
    assert (tmp_path / name).read_bytes().startswith(b"not a database")


def test_a_store_whose_first_write_was_cut_short_is_taken_up(tmp_path):
    code = "import sqlite3, sys, os\ndb = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
    code += "db.execute('PRAGMA cache_spill = ON'); db.execute('PRAGMA cache_size = 1'); db.execute('BEGIN')\n"
    code += "db.execute('CREATE TABLE t (x)'); [db.execute('INSERT INTO t VALUES (zeroblob(3000))') for _ in range(99)]\n"
    code += "os._exit(9)"
    file = tmp_path / "run.sqlite"
    assert subprocess.run([sys.executable, "-c", code, file], check=False).returncode == 9
    assert file.stat().st_size
    assert (tmp_path / "run.sqlite-journal").stat().st_size
    with pytest.raises(NothingStoredError):
        Store(tmp_path, reading=True)
    with Store(tmp_path) as store:
        assert store.healed == []
        store.put_all([trace()])


def test_a_foreign_database_is_refused_and_left_as_it_is(tmp_path):
    file = tmp_path / "run.sqlite"
    with sqlite3.connect(file) as foreign:
        foreign.execute("CREATE TABLE mine (x)")
    foreign.close()
    before = file.read_bytes()
    with pytest.raises(StorageError, match="no run store"):
        Store(tmp_path)
    assert file.read_bytes() == before


def test_the_store_of_another_version_is_refused(tmp_path):
    Store(tmp_path).close()
    with sqlite3.connect(tmp_path / "run.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StorageError, match="another version of evalkit"):
        Store(tmp_path)


def test_damage_inside_the_file_is_a_storage_error_when_it_is_met(tmp_path):
    with Store(tmp_path) as store:
        store.put_all([trace(f"c{i}", meta={"x": "y" * 3000}) for i in range(200)])
    file = tmp_path / "run.sqlite"
    data = bytearray(file.read_bytes())
    data[20_000:400_000] = b"\xa5" * 380_000
    file.write_bytes(data)
    with pytest.raises(StorageError), Store(tmp_path) as store:
        list(store.traces("s"))


def test_a_trace_that_was_tampered_with_is_an_error_of_ours_to_tell(tmp_path):
    with Store(tmp_path) as store:
        store.put_all([trace()])
        store._db.execute("UPDATE traces SET trace = '{'")
        store._db.commit()
        with pytest.raises(StorageError, match="damaged"):
            list(store.traces("s"))


def test_a_folder_that_cannot_be_made_or_written_is_a_storage_error(tmp_path):
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StorageError):
            Store(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_folder_is_a_storage_error(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StorageError):
            Store(tmp_path)
    finally:
        tmp_path.chmod(0o700)


def test_a_full_disk_is_a_storage_error_for_everybody_who_waits(tmp_path):
    async def work(store):
        big = [store.put(trace(f"c{i}", meta={"x": "y" * 50_000})) for i in range(4)]
        return await asyncio.gather(*big, return_exceptions=True)

    with Store(tmp_path) as store:
        store._db.execute("PRAGMA max_page_count = 10")
        assert [type(error) for error in asyncio.run(work(store))] == [StorageError] * 4


def test_a_run_folder_is_for_its_owner_only(tmp_path):
    Store(tmp_path / "run").close()
    assert (tmp_path / "run").stat().st_mode & 0o077 == 0
    assert (tmp_path / "run" / "run.sqlite").stat().st_mode & 0o077 == 0


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
numbers = st.none() | st.integers(0, 10**12) | st.floats(0, allow_infinity=False)


@settings(max_examples=50, deadline=None)
@given(st.tuples(texts, texts, texts, st.integers(0, 9)), texts, st.none() | texts, numbers)
def test_an_attempt_has_the_checksum_that_readers_work_out(key, state, error, number):
    whole = rows.checksum(7, *key, 1, state, error, number, number)
    assert rows.attempt_sum(7, key, 1, state, (error, number, number)) == whole
