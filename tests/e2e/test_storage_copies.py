"""The second copy of a backup: taken after each proof, kept when the first one is lost, fetched on another machine."""
import contextlib
import os
import pathlib
import sqlite3

import pytest

from house import wait_until

BUCKET = "cubeta"


@pytest.fixture
def storage(village):
    standin = village.standin()
    house = village.house(settings={"s3.endpoint": standin.address, "s3.bucket": BUCKET, "s3.key_id": "STANDIN",
                                    "s3.secret": "standin-secret"}, standin=standin, offline=False)
    house.serve()
    return house, standin


def objects(standin):
    """What lies there but the mark of whose it is."""
    names = [pathlib.Path(o["key"]).name for o in standin.get("/_standin/s3/objects")]
    return [name for name in names if name != "recado-owner.json"]


def archives(house):
    return sorted((house.state / "backups").glob("recado-*"))


def settled(house):
    wait_until(lambda: not house.sql("SELECT 1 FROM job WHERE kind LIKE 'ops.backup%' AND state IN ('queued', 'running')"),
               "what follows it")


def run_now(house, schedule):
    """One more run of a schedule, to its end."""
    house.run("schedules", "run", schedule, "--wait")
    settled(house)


def backup(house):
    run_now(house, "ops.backup")


def test_each_proved_backup_is_copied_and_comes_back_on_another_machine(village, storage):
    house, standin = storage
    house.api.service("Netflix", 1299)
    backup(house)
    wait_until(lambda: objects(standin) == [archives(house)[0].name], "the copy")
    other = village.house(settings={"s3.endpoint": standin.address, "s3.bucket": BUCKET, "s3.key_id": "STANDIN",
                                    "s3.secret": "standin-secret"}, standin=standin, offline=False)
    there = other.folder / "fetched.tar.gz"
    other.run("storage", "fetch", "latest", there)
    assert there.read_bytes() == archives(house)[0].read_bytes() and there.stat().st_mode & 0o777 == 0o600
    code = other.folder / "code"
    code.write_text(house.made["recovery_code"])
    other.run("restore", there, "--recovery-code-file", code)
    assert other.sql("SELECT name FROM service") == [("Netflix",)]
    # Both live now: the one that came later touches nothing of the other's until somebody says that it may.
    other.serve()
    wait_until(lambda: other.sql("SELECT 1 FROM backup WHERE remote_error <> ''"), "the backup that was under way, again")
    said, = other.sql("SELECT remote_error FROM backup ORDER BY id DESC LIMIT 1")[0]
    assert "“recado”" in said and "recado storage take" in said
    assert other.call("storage", "check").stderr.splitlines()[-1].endswith(said)
    assert objects(standin) == [archives(house)[0].name]
    other.run("storage", "take")
    settled(other)
    run_now(other, "ops.backup_copy")
    assert len(objects(standin)) == 2 and "no puede" not in other.run("storage", "check")
    backup(house)
    assert house.call("storage", "check").returncode != 0 and len(objects(standin)) == 2
    house.set("s3.prefix", "la-otra")
    run_now(house, "ops.backup_copy")
    assert house.sql("SELECT remote, remote_error FROM backup ORDER BY id DESC LIMIT 1")[0][1] == ""


def test_a_disk_of_backups_that_is_empty_one_night_does_not_empty_the_storage(storage):
    """Not mounted, or replaced: the folder is there and nothing is in it. The copies are all that is left."""
    house, standin = storage
    backup(house)
    wait_until(lambda: len(objects(standin)) == 1, "the copy")
    for path in archives(house):
        path.unlink()
    line = sqlite3.connect(house.state / "recado.db", timeout=30)
    line.execute("UPDATE backup SET started_at = started_at - 86400000")      # of the night before
    line.commit()
    line.close()
    backup(house)
    wait_until(lambda: len(objects(standin)) >= 2, "the second copy")
    assert len(objects(standin)) == 2
    assert house.sql("SELECT count(*) FROM backup WHERE state = 'removed' AND remote <> ''") == [(1,)]


def test_a_backup_whose_file_is_gone_keeps_no_other_from_being_copied(storage):
    house, standin = storage
    house.set("s3.bucket", "")                                # nothing is copied at first
    for n in range(2):
        house.run("backup", "--to", house.state / "backups" / f"{n}.tar.gz")
    (house.state / "backups" / "1.tar.gz").unlink()                      # the newer one, which is copied first
    house.run("backup", "--to", house.folder / "stick.tar.gz")     # a person's own: nobody has to copy that
    house.set("s3.bucket", BUCKET)
    run_now(house, "ops.backup_copy")
    assert objects(standin) == ["0.tar.gz"]
    assert house.sql("SELECT remote_error FROM backup WHERE name = 'stick.tar.gz'") == [("",)]
    said, = house.sql("SELECT remote_error FROM backup WHERE name = '1.tar.gz'")[0]
    assert "1.tar.gz" in said


def test_an_upload_that_a_kill_cut_short_leaves_nothing_to_pay_for(storage):
    """The machine lost power between two parts: what came before is at the storage, unseen, until somebody aborts it."""
    house, standin = storage
    archive = house.state / "backups" / "large.tar.gz"
    archive.write_bytes(os.urandom(9 << 20))                  # two parts
    standin.post("/_standin/s3/faults", faults=["part"] * 6)
    line = sqlite3.connect(house.state / "recado.db", timeout=30)
    line.execute("INSERT INTO backup (public_id, name, folder, origin, state, started_at) VALUES"
                 " ('large', 'large.tar.gz', ?, 'person', 'proved', 1)", (str(archive.parent),))
    line.commit()
    line.close()
    house.run("schedules", "run", "ops.backup_copy")
    wait_until(lambda: [u["parts"] for u in standin.get("/_standin/s3/uploads")] == [1], "the first part")
    house.kill()
    standin.post("/_standin/s3/faults", faults=[])
    house.serve()
    wait_until(lambda: objects(standin) == ["large.tar.gz"], "the copy")
    assert standin.get("/_standin/s3/uploads") == []
    wait_until(lambda: house.sql("SELECT value FROM meta WHERE key = 'storage.upload'") == [("",)], "it is forgotten")


def test_an_upload_that_cannot_be_aborted_keeps_no_copy_from_leaving(storage):
    """A key that may not abort, and the unfinished upload of the machine whose backup was restored here."""
    house, standin = storage

    def left_behind(key):
        with contextlib.closing(sqlite3.connect(house.state / "recado.db", timeout=30)) as line, line:
            line.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('storage.upload', ?)",
                         (f"{standin.address} {BUCKET}\n{key}\nnobody-knows-it",))

    left_behind("recado/backups/2026/11/old.tar.gz")
    standin.post("/_standin/s3/faults", faults=["abort"])
    backup(house)
    wait_until(lambda: objects(standin) == [archives(house)[0].name], "the copy")
    assert "nobody-knows-it" in house.sql("SELECT value FROM meta WHERE key = 'storage.upload'")[0][0]
    run_now(house, "ops.backup_copy")                         # it is asked again, and is not there any more
    assert house.sql("SELECT value FROM meta WHERE key = 'storage.upload'") == [("",)]
    left_behind("otra/backups/2026/11/theirs.tar.gz")
    standin.post("/_standin/s3/faults", faults=["abort"])     # it would be refused
    run_now(house, "ops.backup_copy")
    assert house.sql("SELECT value FROM meta WHERE key = 'storage.upload'") == [("",)]


def test_a_machine_that_cannot_read_its_name_gives_itself_no_other(storage):
    house, _ = storage
    backup(house)
    settled(house)
    name = house.state / "machine"
    name.rename(house.state / "machine.aside")
    name.symlink_to("machine")                                # nobody can read that
    assert str(name) in house.call("storage", "check").stderr and name.is_symlink()
    name.unlink()
    name.with_name("machine.aside").rename(name)
    house.run("storage", "check")                             # the folder is still its own


def test_old_copies_go_by_the_rule_and_never_below_its_defaults(storage):
    """Whoever keeps fewer backups here, for want of room, keeps seven days, four weeks and twelve months there."""
    house, _ = storage
    for name in ("daily", "weekly", "monthly"):
        house.set(f"backup.{name}", "1" if name == "daily" else "0")
    line = sqlite3.connect(house.state / "recado.db", timeout=30)
    noon, = line.execute("SELECT unixepoch('now', 'start of day', '-1 day', '+12 hours') * 1000").fetchone()
    for n in range(60):
        line.execute("INSERT INTO backup (public_id, name, origin, state, started_at, remote) VALUES"
                     " (?, ?, 'schedule', 'removed', ?, ?)", (f"{n:026}", f"{n}", noon - n * 86400000, f"recado/backups/{n}"))
    line.commit()
    line.close()
    run_now(house, "ops.backup_copy")
    left = [int(name) for name, in house.sql("SELECT name FROM backup WHERE remote <> '' ORDER BY started_at DESC")]
    assert left[:7] == list(range(7)) and 9 <= len(left) <= 7 + 4 + 3, left
    assert max(left) >= 20, "a month of before has one"
