"""kill -9 at the n-th system call of a backup, a restore and a rollback, and a disk that is full at any write: what was
there is there, whole, or what was to come is; and a backup is proved or it does not count."""
import hashlib
import os
import pathlib
import platform
import random
import shutil
import signal
import sqlite3
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from house import ROOT, Village, binary  # noqa: E402
from test_backup import content_of, member, step_back  # noqa: E402

HAS_OLD_CALLS = platform.machine() in ("x86_64", "i686")
NAMES = {"rename": "rename,renameat,renameat2", "link": "link,linkat", "open": "open,openat", "unlink": "unlink,unlinkat",
         "mkdir": "mkdir,mkdirat"} if HAS_OLD_CALLS else {
    "rename": "renameat,renameat2", "link": "linkat", "open": "openat", "unlink": "unlinkat", "mkdir": "mkdirat"}


def can_trace(folder):
    if not shutil.which("strace"):
        return False
    done = subprocess.run(["strace", "-o", str(folder / "probe"), "true"], capture_output=True)
    return done.returncode == 0


class Shop:
    """A house at rest, of which a fresh copy is taken for each try."""

    def __init__(self, village):
        self.house = village.house()
        self.folder = self.house.folder
        self.house.run("renewals", "run", "--dry-run")
        self.add("antes")
        self.archive = self.folder / "copy.tar.gz"
        self.house.run("backup", "--to", self.archive)
        self.add("después")
        self.rest()
        self.old = content_of(self.house.state / "recado.db")
        inside = self.folder / "inside.db"
        inside.write_bytes(member(self.archive, "recado.db"))
        self.new = content_of(inside)
        assert self.old != self.new
        self.model = self.first = self.folder / "model"
        shutil.copytree(self.house.state, self.model)

    def add(self, name):
        line = sqlite3.connect(self.house.state / "recado.db")
        line.execute("INSERT INTO meta (key, value) VALUES (?, 'x')", (name,))
        line.commit()
        line.close()

    def rest(self):
        line = sqlite3.connect(self.house.state / "recado.db")
        line.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        line.close()

    def fresh(self):
        shutil.rmtree(self.house.state)
        shutil.copytree(self.model, self.house.state)

    def strace(self, call, what, n, *words):
        log = self.folder / "strace.log"
        done = subprocess.run(["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={NAMES.get(call, call)}",
                               "-e", f"inject={NAMES.get(call, call)}:{what}:when={n}",
                               binary(), *map(str, words), "--config", str(self.house.config)], capture_output=True,
                              text=True, timeout=120)
        return done, "INJECTED" in log.read_text(errors="replace") or done.returncode in (-9, 137)

    def content(self):
        """After the next command that reads the state, which ends what was cut."""
        self.house.call("rollback", "--check")
        return content_of(self.house.state / "recado.db")

    def is_clean(self):
        left = {p.name for p in self.house.state.iterdir()}
        return not {n for n in left if n.startswith("restore.")}


@pytest.fixture(scope="module")
def ready():
    """Made once: each test works on copies of it."""
    village = Village()
    try:
        yield Shop(village)
    finally:
        village.close()


@pytest.fixture
def shop(ready):
    if not can_trace(ready.folder):
        pytest.skip("no strace here, or no right to trace")
    ready.model = ready.first
    ready.fresh()
    return ready


def seeded():
    seed = int(os.environ.get("RECADO_SEED") or random.randrange(1 << 30))
    print(f"RECADO_SEED={seed}")
    return random.Random(seed)


def sweep(shop, call, what, words, steps, judge):
    """The n-th call for growing n until none is left; large counts are stepped over, never the first and last ones."""
    reached, n, ends = 0, 1, 0
    while True:
        shop.fresh()
        done, hit = shop.strace(call, what, n, *words)
        judge(done, hit, n)
        if not hit:
            ends += 1
            break
        reached += 1
        n += steps(n)
    assert reached > 0, f"{call} was never called: this run proved nothing"
    return reached


def small_steps(dice):
    return lambda n: 1 if n < 5 else dice.randrange(3, 4 + n // 2)


def every(n):
    return 1


@pytest.mark.parametrize("call", ["rename", "link", "fsync", "unlink"])
def test_killed_at_any_step_of_a_restore_the_state_is_the_old_or_the_new_one_whole(shop, call):
    seen = set()

    def judge(done, hit, n):
        assert hit or done.returncode == 0, done
        found = shop.content()
        assert found in (shop.old, shop.new), (call, n)
        assert shop.is_clean(), sorted(p.name for p in shop.house.state.iterdir())
        assert shop.house.config.exists() and (shop.house.state / "key").exists()
        note = (shop.house.state / "last_seen")
        assert found == shop.old or note.read_text().startswith("9223372036854775807"), "the channels would start open"
        seen.add(found)
    sweep(shop, call, "signal=KILL", ["restore", shop.archive], every if call in ("rename", "link") else small_steps(seeded()),
          judge)
    assert shop.new in seen


@pytest.mark.parametrize("call, error", [("write", "ENOSPC"), ("open", "EACCES"), ("rename", "EIO"), ("link", "EIO"),
                                         ("fsync", "EIO"), ("mkdir", "ENOSPC")])
def test_whichever_call_of_a_restore_fails_the_state_is_whole_and_it_says_so(shop, call, error):
    def judge(done, hit, n):
        found = shop.content()
        assert found in (shop.old, shop.new), (call, n)
        if not hit:
            assert done.returncode == 0 and found == shop.new
        if done.returncode == 0:
            assert found == shop.new
        else:
            assert done.stderr.strip()
    steps = small_steps(seeded())
    sweep(shop, call, f"error={error}", ["restore", shop.archive], every if call == "rename" else
          (lambda n: steps(n) + (40 if call in ("write", "open") else 0)), judge)


@pytest.mark.parametrize("call", ["rename", "fsync", "unlink"])
def test_killed_at_any_step_of_a_backup_there_is_a_whole_one_or_none(shop, call):
    def judge(done, hit, n):
        made = list((shop.house.state / "backups").glob("recado-*"))
        for path in made:
            shop.house.run("backup", "prove", path)
        assert content_of_rows(shop) == content_of_rows(shop, shop.model)
    sweep(shop, call, "signal=KILL", ["backup"], small_steps(seeded()), judge)
    shop.house.run("backup")
    states = {state for state, in shop.house.sql("SELECT state FROM backup")}
    assert "proved" in states


def content_of_rows(shop, state=None):
    line = sqlite3.connect(f"file:{(state or shop.house.state) / 'recado.db'}?mode=ro", uri=True)
    try:
        assert line.execute("SELECT * FROM pragma_quick_check").fetchall() == [("ok",)]
        return line.execute("SELECT * FROM meta ORDER BY key").fetchall()
    finally:
        line.close()


@pytest.mark.parametrize("call, error", [("write,pwrite64", "ENOSPC"), ("fsync", "EIO")])
def test_a_disk_that_is_full_at_any_write_of_a_backup_costs_the_backup_and_nothing_else(shop, call, error):
    steps = small_steps(seeded())

    def judge(done, hit, n):
        for path in (shop.house.state / "backups").glob("recado-*"):
            if not path.name.endswith(".damaged"):
                shop.house.run("backup", "prove", path)
        assert content_of_rows(shop) == content_of_rows(shop, shop.model)
        if done.returncode != 0:
            assert done.stderr.strip()
        assert not [p for p in (shop.house.state / "tmp").iterdir() if p.name.startswith("prove-")]
    sweep(shop, call, f"error={error}", ["backup"], lambda n: steps(n) + 40, judge)


def test_killed_at_any_rename_of_a_rollback_the_database_is_of_before_or_after(shop):
    step_back(shop.house.state / "recado.db")
    shop.house.run("renewals", "run", "--dry-run")               # the upgrade
    shop.rest()
    shop.model = shop.folder / "upgraded"
    shutil.copytree(shop.house.state, shop.model)
    after = content_of(shop.model / "recado.db")
    before = content_of(next(shop.model.glob("recado.db.before-*")))
    seen = set()

    def judge(done, hit, n):
        found = shop.content()
        assert found in (after, before), n
        assert shop.is_clean()
        seen.add(found)
    sweep(shop, "rename", "signal=KILL", ["rollback"], every, judge)
    assert seen == {after, before}


@pytest.mark.parametrize("words", [["backup"], ["restore"]], ids=["backup", "restore"])
def test_without_memory_from_any_of_the_first_allocations_on_there_is_a_sentence_and_no_crash(shop, words):
    """The later ones are drawn in test_sweeps.py; these, before anything has begun, are few and all tried."""
    debug = os.environ.get("RECADO_DEBUG_BIN") or str(ROOT / "build/debug/recado")
    words = words + ([str(shop.archive)] if words == ["restore"] else [])
    for n in range(1, 41):
        done = subprocess.run([debug, *words, "--config", str(shop.house.config)], capture_output=True, text=True,
                              env={**os.environ, "RECADO_FAIL_ALLOC": f"{n}+"})
        assert done.returncode in (1, 2) and done.stderr.strip(), (n, done)


def test_a_restore_that_finds_the_place_of_an_earlier_one_taken_leaves_that_alone(shop):
    """Two restores within a millisecond, or a clock that was put back: what the first one kept must stay."""
    noon, kept = ["--now", "2025-09-08T12:00:00-05:00"], []
    for late in range(5000):                # the clock goes on from noon: any millisecond it may take to get there
        kept.append(shop.house.state / f"before-restore-{1757350800000 + late}")
        kept[-1].mkdir()
        (kept[-1] / "recado.db").write_text("what was there")
    done = shop.house.call("restore", shop.archive, *noon)
    assert done.returncode != 0 and any(f"{keep}:" in done.stderr for keep in kept), done
    assert all((keep / "recado.db").read_text() == "what was there" for keep in kept)
    assert shop.content() == shop.old


def test_a_small_disk_is_asked_before_anything_is_written(shop, tmp_path):
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "none", str(tmp_path)],
                                           capture_output=True).returncode != 0:
        pytest.skip("no right to mount")
    try:
        done = shop.house.call("backup", "--to", tmp_path / "a.tar.gz", lang="en")
        assert done.returncode == 1 and "MB free" in done.stderr and list(tmp_path.iterdir()) == []
        assert shop.house.sql("SELECT state FROM backup ORDER BY id DESC LIMIT 1") == [("failed",)]
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
