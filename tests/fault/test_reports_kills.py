"""A load of a report is killed at its writes, one after another: what is visible stays what it was, the next load doubles
nothing, and nothing staged is left over."""
import hashlib
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import uuid

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from house import Village, binary  # noqa: E402

DAY = "2026-11-20"
HEADING = "Subject,Sender,SenderName,Email,Status,Date,Opens,Clicks\n"


def lines(rows, status):
    return HEADING + "".join(f"Hola,a@b.ec,A,p{n}@x.ec,{status},{DAY} 10:00:{n % 60:02},0,0\n" for n in range(rows))


def placed(house, text):
    """The day's file, as a fetch leaves it."""
    data = text.encode()
    sha = hashlib.sha256(data).hexdigest()
    where = house.state / "files" / sha[:2]
    where.mkdir(parents=True, exist_ok=True)
    (where / sha).write_bytes(data)
    line = sqlite3.connect(house.state / "recado.db", timeout=20)
    with line:
        file_id = line.execute("INSERT INTO file (public_id, sha256, name, size, media_type, owner_table, created_at)"
                               " VALUES (?, ?, 'r.csv', ?, 'text/csv', 'generated_report', 0)",
                               (uuid.uuid4().hex[:26], sha, len(data))).lastrowid
        line.execute("INSERT INTO generated_report (public_id, type, start_on, end_on, state, file_id, created_at, updated_at)"
                     " VALUES ('r', 'deliveries', ?, ?, 'READY', ?, 0, 0) ON CONFLICT (public_id) DO UPDATE SET file_id = ?",
                     (DAY, DAY, file_id, file_id))
    line.close()


def seen(path, view):
    line = sqlite3.connect(path, timeout=20)
    try:
        visible = line.execute(f"SELECT status, count(*), count(DISTINCT email) FROM {view} GROUP BY status").fetchall()
        marks = line.execute("SELECT rows_inserted FROM report_load").fetchall()
        kept = line.execute(f"SELECT count(*) FROM {view}_rows").fetchone()[0]
        assert line.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return visible, marks, kept
    finally:
        line.close()


WRITES = "write,pwrite64,ftruncate,fdatasync,unlink"
PLACES = [("", "default", "reports_deliveries"), ("yes", "analytics", "analytics_reports_deliveries"),
          ("path", "analytics", "reports_deliveries")]


def killed(house, at, *words):
    """The command, killed at its at-th write, sync or removal; False: it ended before that."""
    done = subprocess.run(["strace", "-f", "-qq", "-o", str(house.folder / "trace"), "-e", f"trace={WRITES}",
                           "-e", f"inject={WRITES}:signal=KILL:when={at}", binary(), *words, "--config", str(house.config)],
                          capture_output=True, timeout=120)
    assert done.returncode in (0, -9, 137), done.stderr
    return done.returncode != 0


def tried(place, points):
    setting, alias, view = place
    village = Village()
    try:
        path = village.folder / "second.db"
        house = village.house({"reports.analytics": str(path) if setting == "path" else setting})
        path = path if setting == "path" else house.state / "reports.db"
        load = ("sends", "reports", "load", "r", "--alias", alias, "--again")
        placed(house, lines(300, "Sent"))
        house.run(*load)
        old = ([("Sent", 300, 300)], [(300,)])
        assert seen(path, view) == (*old, 300)
        placed(house, lines(301, "Rejected"))
        new = ([("Rejected", 301, 301)], [(301,)])
        cut = 0
        for at in points:
            cut += killed(house, at, *load)
            assert seen(path, view)[:2] in (old, new), at
        house.run(*load)
        assert seen(path, view) == (*new, 301)
        assert cut > 0
    finally:
        village.close()


@pytest.fixture(autouse=True)
def tracing(tmp_path):
    if not shutil.which("strace") or subprocess.run(["strace", "-o", str(tmp_path / "t"), "true"], capture_output=True).returncode:
        pytest.skip("no strace here, or no right to trace")


@pytest.mark.parametrize("place", PLACES, ids=["default", "yes", "path"])
def test_a_load_cut_anywhere_leaves_the_old_rows_or_the_new_ones(place):
    # A release build writes less often than a debug one: two early points are reached by both.
    chance = random.Random()
    tried(place, sorted([*chance.sample(range(3, 12), 2), *chance.sample(range(12, 60), 2)]))


@pytest.mark.long
@pytest.mark.parametrize("place", PLACES, ids=["default", "yes", "path"])
def test_a_load_cut_at_every_write_leaves_the_old_rows_or_the_new_ones(place):
    tried(place, range(1, 120))
