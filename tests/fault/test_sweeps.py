"""Every write, sync and allocation of the house's great works fails or is its last: a notice run, an import, a campaign and
its recipients' file, a backup, a restore, a migration, a settings rewrite. Afterwards, and after doing it again: nothing
lost, nothing twice, no crash.

A command does each work alone in its folder. First it runs untouched and is counted; then each n is tried on a fresh
copy of the folder. On ordinary days one or two draws of each sweep are enough, by night (make test-long) forty; RECADO_SWEEP=N takes N.
"""
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from house import ROOT, Village, binary, read_line, spawn, stop, wait_until  # noqa: E402

DEBUG = os.environ.get("RECADO_DEBUG_BIN") or str(ROOT / "build/debug/recado")
EVENING, MORNING = "2025-09-07T21:00:00-05:00", "2025-09-08T09:00:00-05:00"
LATER = "2025-09-08T09:10:00-05:00"     # what is tried again after a while is due by then
WRITES = "write,pwrite64,writev,pwritev,ftruncate,fallocate"
SYNCS = "fsync,fdatasync"
SENDS = "sendto,sendmsg"
SAMPLE = int(os.environ.get("RECADO_SWEEP") or 2)
NIGHT = 40
CRASHES = {-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGFPE, -signal.SIGILL, 139, 134}
CUSTOMERS = 12
# A work whose fault it mends by trying again in half a minute is killed instead: one more kill, and no waiting.
FAULTY = 6


def can_trace():
    if not shutil.which("strace"):
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode == 0


def dice():
    seed = int(os.environ.get("RECADO_SEED") or random.randrange(1 << 30))
    print(f"RECADO_SEED={seed}")
    return random.Random(seed)


def chosen(chance, count, most):
    every = range(1, count + 1)
    return list(every) if count <= most else sorted(chance.sample(every, most))


def customers():
    lines = ["nombres,apellidos,telefono,servicio,fecha_inicio,fecha_vencimiento"]
    lines += [f"Cliente,{n:02},+5939820{n:05},Netflix,2025-08-09,2025-09-{8 + (0, 1, 3, 7)[n % 4]:02}"
              for n in range(CUSTOMERS)]
    return "\n".join(lines) + "\n"


class Folder:
    """One copy of a prepared state folder, and commands in it."""

    def __init__(self, path, standin):
        self.path, self.standin = path, standin
        self.is_starved = False
        self.config = path / "recado.ini"
        # The stand-in's counters are of all copies: each has numbers of its own only in its own run.
        self.since = max([row["seq"] for row in standin.received()], default=0)

    def call(self, *words, before=(), program=None, env=None, patience=120):
        """Run a command; past its patience it is killed, with whoever traces it, and its exit code is -9."""
        argv = [*before, program or binary(), *map(str, words), "--config", str(self.config), "--lang", "en"]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   start_new_session=True, env={**os.environ, **(env or {})})
        try:
            out, err = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
        return subprocess.CompletedProcess(argv, process.returncode, out, err)

    def sql(self, text):
        line = sqlite3.connect(f"file:{self.path / 'recado.db'}?mode=ro", uri=True, timeout=20)
        try:
            return line.execute(text).fetchall()
        finally:
            line.close()

    def arrived(self):
        return [row["to"] for row in self.standin.get(f"/_standin/received?since={self.since}")]

    def serve_until_quiet(self):
        """The server comes back and does what was left: what waits to be tried again, what waits to leave."""
        with open(self.path / "serve.log", "ab") as log:
            server = spawn([binary(), "serve", "--config", str(self.config), "--now", LATER], log)
        try:
            read_line(server, rb"http://", self.path / "serve.log")
            wait_until(lambda: self.sql(
                "SELECT (SELECT count(*) FROM job WHERE state = 'running' OR (state = 'queued' AND kind IN"
                " ('renewals.plan', 'desk.import.commit', 'desk.import.read', 'sends.import', 'sends.send'))) +"
                " (SELECT count(*) FROM message WHERE state IN ('queued', 'sending'))") == [(0,)], "the work that was left")
        finally:
            stop(server)

    def is_sound(self):
        assert self.sql("SELECT * FROM pragma_integrity_check") == [("ok",)]
        assert self.sql("SELECT count(*) FROM pragma_foreign_key_check") == [(0,)]
        assert self.sql("SELECT count(*) FROM pending_generation") == [(0,)]


class Work:
    """What is swept: words() does it, judge() says what holds after a fault, finish() does it again to its end."""

    def prepare(self, folder):
        pass

    def judge(self, folder, done):
        pass


class NoticeRun(Work):
    name = "notice-run"

    def prepare(self, folder):
        (folder.path / "in.csv").write_text(customers())
        assert folder.call("renewals", "import", folder.path / "in.csv", "--commit", "--now", EVENING).returncode == 0

    def words(self, folder):
        return ["renewals", "run", "--wait", "--now", MORNING]

    def finish(self, folder):
        folder.serve_until_quiet()
        done = folder.call(*self.words(folder)[:-1], LATER)
        assert done.returncode in (0, 3), done.stderr
        folder.is_sound()
        arrived = folder.arrived()
        states = dict(folder.sql("SELECT c.address, m.state FROM message m JOIN contact c ON c.id = m.contact_id"))
        unsure = {to for to, state in states.items() if state == "unsure"}
        assert len(arrived) == len(set(arrived)), "a notice arrived twice"
        assert len(states) == CUSTOMERS
        assert set(states) - set(arrived) <= unsure, "a notice is lost"
        assert len(unsure) <= 8
        assert set(states.values()) <= {"sent", "delivered", "read", "unsure"}


class Import(Work):
    name = "import"

    def words(self, folder):
        (folder.path / "in.csv").write_text(customers())
        return ["renewals", "import", folder.path / "in.csv", "--commit", "--now", EVENING]

    def finish(self, folder):
        folder.serve_until_quiet()
        done = folder.call(*self.words(folder)[:-1], LATER)
        assert done.returncode == 0, done.stderr
        folder.is_sound()
        assert folder.sql("SELECT count(*), count(DISTINCT phone) FROM client") == [(CUSTOMERS, CUSTOMERS)]
        assert folder.sql("SELECT count(*), count(DISTINCT client_id) FROM subscription") == [(CUSTOMERS, CUSTOMERS)]


RECIPIENTS, SENDERS = 50, 4


def people():
    return "email,nombre,Valor\n" + "".join(f"cliente{n:02}@example.com,Cliente {n},{n}.00\n" for n in range(RECIPIENTS))


class Recipients(Work):
    """A send is made and its file taken in."""

    name = "recipients"

    def prepare(self, folder):
        template = folder.standin.get("/_standin/doppler")["templates"][0]["id"]
        (folder.path / "template").write_text(template)
        (folder.path / "in.csv").write_text(people())
        done = folder.call("config", "set", "doppler.base_url", folder.standin.address, "doppler.api_key", "key",
                           "doppler.account_id", "7", "doppler.from_email", "avisos@example.com", "sends.pace_ms", "0",
                           "sends.parallel", SENDERS)
        assert done.returncode == 0, done.stderr

    def words(self, folder):
        return ["sends", "create", folder.path / "in.csv", "--template", (folder.path / "template").read_text(), "--hold",
                "--request-id", "one-and-the-same", "--now", EVENING]

    def finish(self, folder):
        folder.serve_until_quiet()
        done = folder.call(*self.words(folder)[:-1], LATER)
        assert done.returncode == 0, done.stderr
        folder.is_sound()
        assert folder.sql("SELECT import_status, valid_rows, invalid_rows, status FROM bulk_send") \
            == [("ready", RECIPIENTS, 0, "pending")]
        assert folder.sql("SELECT count(*), count(DISTINCT r.recipient) FROM bulk_recipient r JOIN bulk_send s"
                          " ON s.id = r.bulk_id AND s.import_version = r.import_version") == [(RECIPIENTS, RECIPIENTS)]
        assert folder.arrived() == []


class Campaign(Work):
    name = "campaign"

    def prepare(self, folder):
        recipients = Recipients()
        recipients.prepare(folder)
        done = folder.call(*recipients.words(folder))
        assert done.returncode == 0, done.stderr
        (folder.path / "send").write_text(done.stdout.split()[0])

    def words(self, folder):
        return ["sends", "process", (folder.path / "send").read_text(), "--wait", "--now", MORNING]

    def finish(self, folder):
        folder.serve_until_quiet()
        if folder.sql("SELECT status FROM bulk_send") != [("done",)]:
            done = folder.call(*self.words(folder)[:-1], LATER)
            assert done.returncode in (0, 3), done.stderr
        folder.is_sound()
        arrived = folder.arrived()
        states = dict(folder.sql("SELECT c.address, m.state FROM message m JOIN contact c ON c.id = m.contact_id"))
        unsure = {to for to, state in states.items() if state == "unsure"}
        assert len(arrived) == len(set(arrived)), "somebody got it twice"
        assert len(states) == RECIPIENTS, "somebody was skipped"
        assert set(states) - set(arrived) <= unsure, "somebody was skipped and nobody knows"
        # Without memory no answer can be read: each mail that left is unsure until there is some again.
        assert len(unsure) <= (RECIPIENTS if folder.is_starved else SENDERS)
        assert set(states.values()) <= {"sent", "delivered", "unsure"}
        assert folder.sql("SELECT status FROM bulk_send") == [("done",)] or len(unsure) == RECIPIENTS


def backups(folder):
    return sorted(p for p in (folder.path / "backups").glob("recado-*") if not p.name.endswith(".part"))


class Backup(Work):
    name = "backup"

    def prepare(self, folder):
        NoticeRun().prepare(folder)

    def words(self, folder):
        return ["backup"]

    def judge(self, folder, done):
        # What has its name is whole: it can be put back.
        for path in backups(folder):
            assert folder.call("backup", "prove", path).returncode == 0 or done.returncode != 0

    def finish(self, folder):
        done = folder.call("backup")
        assert done.returncode == 0, done.stderr
        folder.is_sound()
        assert folder.call("backup", "prove", backups(folder)[-1]).returncode == 0
        leftovers = [p.name for p in (folder.path / "backups").iterdir() if p.name.endswith(".part")]
        assert not leftovers
        assert folder.sql("SELECT count(*) FROM client") == [(CUSTOMERS,)]


class Restore(Work):
    name = "restore"

    def prepare(self, folder):
        assert folder.call("backup").returncode == 0
        (folder.path.parent / "kept").mkdir(exist_ok=True)
        shutil.copy(backups(folder)[-1], folder.path / "to-restore.tar.gz")
        NoticeRun().prepare(folder)

    def words(self, folder):
        return ["restore", folder.path / "to-restore.tar.gz"]

    def judge(self, folder, done):
        # Any holder finishes or undoes a swap that was cut: the old state or the new one, whole.
        folder.call("jobs")
        looked = folder.call("renewals", "run", "--dry-run", "--now", MORNING)
        assert looked.returncode in (0, 3), looked.stderr
        folder.is_sound()
        assert folder.sql("SELECT count(*) FROM client") in ([(0,)], [(CUSTOMERS,)])

    def finish(self, folder):
        done = folder.call(*self.words(folder))
        assert done.returncode == 0, done.stderr
        assert folder.call("renewals", "run", "--dry-run", "--now", MORNING).returncode in (0, 3)
        folder.is_sound()
        assert folder.sql("SELECT count(*) FROM client") == [(0,)]


class Migration(Work):
    """A database of six migrations ago with customers in it."""

    name = "migration"
    OLD = 6

    def prepare(self, folder):
        path = folder.path / "recado.db"
        old = folder.path / "old.db"
        line = sqlite3.connect(path, isolation_level=None)
        schema = line.execute("SELECT sql FROM sqlite_schema WHERE name = 'schema_migration'").fetchone()[0]
        rows = line.execute("SELECT * FROM schema_migration WHERE number <= ? ORDER BY number", (self.OLD,)).fetchall()
        application = line.execute("PRAGMA application_id").fetchone()[0]
        line.close()
        line = sqlite3.connect(old, isolation_level=None)
        line.execute("PRAGMA journal_mode=WAL")
        line.execute(schema)
        for file in sorted((ROOT / "migrations").glob("*.sql"))[:self.OLD]:
            line.executescript(file.read_text())
        line.executemany(f"INSERT INTO schema_migration VALUES ({','.join('?' * len(rows[0]))})", rows)
        line.execute(f"PRAGMA application_id={application}")
        line.execute(f"PRAGMA user_version={self.OLD}")
        for n in range(CUSTOMERS):
            line.execute("INSERT INTO contact (kind, address, public_id, created_at) VALUES ('phone', ?, ?, 1)",
                         (f"+5939820{n:05}", f"public-{n}"))
        line.close()
        for name in ("recado.db-wal", "recado.db-shm", "last_seen"):
            (folder.path / name).unlink(missing_ok=True)
        os.replace(old, path)

    def words(self, folder):
        return ["renewals", "run", "--dry-run", "--now", MORNING]

    def judge(self, folder, done):
        version = folder.sql("PRAGMA user_version")[0][0]
        assert version in (self.OLD, len(list((ROOT / "migrations").glob("*.sql"))))
        assert folder.sql("SELECT count(*) FROM contact") == [(CUSTOMERS,)]

    def finish(self, folder):
        done = folder.call(*self.words(folder))
        assert done.returncode in (0, 3), done.stderr
        folder.is_sound()
        assert folder.sql("PRAGMA user_version") == [(len(list((ROOT / "migrations").glob("*.sql"))),)]
        assert folder.sql("SELECT count(*) FROM contact") == [(CUSTOMERS,)]


class Settings(Work):
    name = "settings"

    def words(self, folder):
        return ["config", "set", "business.name", "Nuevo", "outbox.slots", "9"]

    def judge(self, folder, done):
        text = folder.config.read_text()
        assert ("Nuevo" in text) == ("slots = 9" in text)
        assert "key-of-the-session" in text

    def finish(self, folder):
        done = folder.call(*self.words(folder))
        assert done.returncode == 0, done.stderr
        assert folder.call("config", "get", "business.name").stdout.strip().endswith("Nuevo")


WORKS = [NoticeRun(), Import(), Recipients(), Campaign(), Backup(), Restore(), Migration(), Settings()]


@pytest.fixture(scope="module")
def land():
    made = Village()
    yield made
    made.close()


@pytest.fixture(scope="module", params=WORKS, ids=lambda work: work.name)
def sweep(request, land):
    """The house of one work, prepared once: every try has a fresh copy of it."""
    work, village = request.param, land
    standin = village.standin("--delivered-ms", "-1", "--read-ms", "-1")
    house = village.house(standin=standin)
    house.add_user("ana")
    house.serve()
    house.api.service("Netflix", 1299)
    house.stop()
    ready = Folder(house.state, standin)
    work.prepare(ready)
    count = 0

    def fresh():
        nonlocal count
        count += 1
        path = house.folder / f"copy-{count}"
        shutil.copytree(house.state, path, ignore=shutil.ignore_patterns("*.sock"))
        if count > 1:
            shutil.rmtree(house.folder / f"copy-{count - 1}", ignore_errors=True)
        text = (path / "recado.ini").read_text()
        (path / "recado.ini").write_text(text.replace(str(house.state), str(path)))
        return Folder(path, standin)

    return work, fresh


def trace(tmp_path, *inject):
    return ["strace", "-f", "-qq", "-o", str(tmp_path / "trace"), "-e", f"trace={WRITES},{SYNCS},{SENDS}",
            *[word for one in inject for word in ("-e", f"inject={one}")]]


def counted(work, fresh, tmp_path, calls):
    """How many of these calls the busiest thread makes when nothing is wrong (strace counts by thread)."""
    folder = fresh()
    done = folder.call(*work.words(folder), before=trace(tmp_path))
    assert done.returncode in (0, 3), done.stderr
    names = set(calls.split(","))
    by_thread = {}
    for line in (tmp_path / "trace").read_text(errors="replace").splitlines():
        found = re.match(r"(\d+)\s+(\w+)\(", line)
        if found and found.group(2) in names:
            by_thread.setdefault(found.group(1), {}).setdefault(found.group(2), 0)
            by_thread[found.group(1)][found.group(2)] += 1
    return max((sum(kinds.values()) for kinds in by_thread.values()), default=0)


def check(work, folder, done, what):
    assert done.returncode not in CRASHES, f"{what}: crashed\n{done.stderr[-2000:]}"
    try:
        work.judge(folder, done)
        work.finish(folder)
    except AssertionError as wrong:
        raise AssertionError(f"{what}: {wrong}\nthe faulty run: exit {done.returncode}\n{done.stderr[-1500:]}") from wrong


def killed_at_each(sweep, tmp_path, calls, most):
    if not can_trace():
        pytest.skip("needs strace")
    work, fresh = sweep
    count = counted(work, fresh, tmp_path, calls)
    if count == 0:
        pytest.skip(f"{work.name} makes no such call")
    for n in chosen(dice(), count, most):
        folder = fresh()
        done = folder.call(*work.words(folder), before=trace(tmp_path, f"{calls}:signal=KILL:when={n}"), patience=FAULTY)
        check(work, folder, done, f"killed at call {n} of {count}")


def full_at_each(sweep, tmp_path, lasting, most):
    if not can_trace():
        pytest.skip("needs strace")
    work, fresh = sweep
    calls = "pwrite64,pwritev,ftruncate,fallocate"      # of files: the word to the person goes out by write
    count = counted(work, fresh, tmp_path, calls)
    if count == 0:
        calls = "write"
        count = counted(work, fresh, tmp_path, calls)
    for n in chosen(dice(), count, most):
        folder = fresh()
        done = folder.call(*work.words(folder), patience=FAULTY,
                           before=trace(tmp_path, f"{calls}:error=ENOSPC:when={n}{lasting}"))
        check(work, folder, done, f"no room at write {n} of {count}{lasting}")


def out_of_memory_at_each(sweep, lasting, most):
    if not pathlib.Path(DEBUG).exists():
        pytest.skip("needs the debug build")
    work, fresh = sweep
    chance, last = dice(), 4000
    # Most of what can go wrong is at the start: the draws are closer together there.
    for n in sorted({int(last ** chance.random()) for _ in range(most)}):
        folder = fresh()
        folder.is_starved = True
        done = folder.call(*work.words(folder), program=DEBUG, patience=FAULTY,
                           env={"RECADO_FAIL_ALLOC": f"{n}{lasting}"})
        check(work, folder, done, f"allocation {n}{lasting} fails")


EACH_CALL = pytest.mark.parametrize("calls", [WRITES, SYNCS, SENDS], ids=["write", "sync", "send"])
ONCE_OR_LASTING = pytest.mark.parametrize("lasting", ["", "+"], ids=["once", "from-then-on"])


@EACH_CALL
def test_killed_at_the_nth_call_nothing_is_lost_or_done_twice(sweep, tmp_path, calls):
    killed_at_each(sweep, tmp_path, calls, SAMPLE)


@ONCE_OR_LASTING
def test_the_disk_is_full_at_the_nth_write(sweep, tmp_path, lasting):
    full_at_each(sweep, tmp_path, lasting, (SAMPLE + 1) // 2)      # the dearest: each waits for a try later


@ONCE_OR_LASTING
def test_the_nth_allocation_fails(sweep, lasting):
    out_of_memory_at_each(sweep, lasting, SAMPLE)


@pytest.mark.long
@EACH_CALL
def test_by_night_killed_at_many_calls(sweep, tmp_path, calls):
    killed_at_each(sweep, tmp_path, calls, NIGHT)


@pytest.mark.long
@ONCE_OR_LASTING
def test_by_night_the_disk_is_full_at_many_writes(sweep, tmp_path, lasting):
    full_at_each(sweep, tmp_path, lasting, NIGHT)


@pytest.mark.long
@ONCE_OR_LASTING
def test_by_night_many_allocations_fail(sweep, lasting):
    out_of_memory_at_each(sweep, lasting, NIGHT)
