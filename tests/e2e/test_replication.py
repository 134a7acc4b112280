"""A replication program beside the house (Litestream): what it needs of us, played by its contract sheet's rules.

The real program comes through no registry that the tests reach; where one is installed the last test uses it.
"""
import pathlib
import shutil
import sqlite3
import struct
import subprocess

import pytest

from house import PATIENCE, spawn, stop, wait_until


def names(path):
    line = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=PATIENCE)
    try:
        assert line.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        return [row[0] for row in line.execute("SELECT given_names FROM client ORDER BY id")]
    finally:
        line.close()


def salts(wal):
    """Of the log's header: they change when it starts over."""
    return struct.unpack(">II", wal.read_bytes()[16:24])


class Reader:
    """Its tables, its permanent read transaction."""

    def __init__(self, path):
        self.line = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
        self.line.execute("PRAGMA wal_autocheckpoint=0")
        self.line.execute("CREATE TABLE IF NOT EXISTS _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)")
        self.line.execute("CREATE TABLE IF NOT EXISTS _litestream_lock (id INTEGER)")
        self.line.execute("INSERT INTO _litestream_seq (id, seq) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET seq = seq + 1")
        self.line.execute("BEGIN")
        self.line.execute("SELECT count(*) FROM _litestream_seq").fetchone()

    def close(self):
        self.line.execute("ROLLBACK")
        self.line.close()


def write_much(house, count, prefix="Cliente"):
    for i in range(count):
        house.api.client(f"{prefix} {i}", phone=f"09{87000000 + i:08d}")


def test_the_log_is_left_to_the_program_that_lives_on_it(village):
    house = village.house(settings={"database.replication": "litestream"}).serve()
    path, wal = house.state / "recado.db", house.state / "recado.db-wal"
    write_much(house, 3)
    copy, before = path.read_bytes(), salts(wal)
    write_much(house, 150, "Otro")
    assert salts(wal) == before                     # nothing started the log over
    assert path.read_bytes() == copy                # nothing was copied out of it
    house.stop()
    assert wal.exists() and salts(wal) == before    # not even by the last one out
    # What it has taken: the file as it was, and the log. Put together elsewhere they are the database.
    there = house.folder / "restored.db"
    there.write_bytes(copy)
    pathlib.Path(str(there) + "-wal").write_bytes(wal.read_bytes())
    assert len(names(there)) == 153
    house.serve()
    assert len(house.api.all("clients")) == 153


def test_its_reader_and_its_tables_disturb_nobody(village):
    house = village.house().serve()
    reader = Reader(house.state / "recado.db")
    try:
        write_much(house, 60)
        house.run("backup")
        assert len(house.api.all("clients")) == 60
        house.stop()
        house.serve()                               # the check at the start and the migrations pass over its tables
        assert "✅" in house.call("check").stdout
    finally:
        reader.close()


def test_a_backup_with_its_tables_inside_restores(village):
    house = village.house().serve()
    write_much(house, 5)
    Reader(house.state / "recado.db").close()
    house.run("backup")
    house.stop()
    newest = sorted(p for p in (house.state / "backups").iterdir() if p.is_file())[-1]
    house.run("restore", newest)
    assert len(names(house.state / "recado.db")) == 5


def test_the_real_program_replicates_and_restores(village):
    program = shutil.which("litestream")
    if not program:
        pytest.skip("needs litestream")
    house = village.house(settings={"database.replication": "litestream"}).serve()
    replica = house.folder / "replica"
    with open(house.folder / "litestream.log", "wb") as log:
        running = spawn([program, "replicate", str(house.state / "recado.db"), f"file://{replica}"], log)
    write_much(house, 20)
    wait_until(lambda: replica.exists() and any(p.is_file() for p in replica.rglob("*")), "the first copy")
    house.kill()
    stop(running)
    there = house.folder / "restored.db"
    subprocess.run([program, "restore", "-o", str(there), f"file://{replica}"], check=True, timeout=PATIENCE)
    assert len(names(there)) == 20
