"""Backups: made while people write, proved each time, put back whole, refused when they are not what they were."""
import concurrent.futures
import gzip
import hashlib
import io
import json
import os
import pathlib
import random
import re
import shutil
import sqlite3
import struct
import subprocess
import tarfile
import threading
import time

import pytest

from house import PASSWORD, ROOT, Panel, binary, text_of, wait_until

MORNING = "2025-09-08T09:00:00-05:00"
PHRASE = "siete perros bajo la mesa"


@pytest.fixture
def shop(village):
    house = village.house()
    house.serve()
    house.api.service("Netflix", 1299)
    return house


def archives(house):
    return sorted((house.state / "backups").glob("recado-*"))


def make(house, *words, **more):
    return house.run("backup", *words, json_out=True, **more)


def content_of(path):
    """What db/content.c's head says, written down again by a stranger."""
    line = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    line.text_factory = bytes
    names = [n.decode() for n, in line.execute("SELECT name FROM sqlite_schema WHERE type='table' AND name NOT GLOB 'sqlite_*'")]
    whole = hashlib.sha256()
    for name in sorted(names, key=str.encode):
        rows, one = 0, hashlib.sha256()
        for row in line.execute(f'SELECT * FROM "{name}" NOT INDEXED'):
            rows += 1
            for value in row:
                if value is None:
                    one.update(b"n")
                elif isinstance(value, int):
                    one.update(b"i" + struct.pack(">q", value))
                elif isinstance(value, float):
                    one.update(b"r" + struct.pack(">d", value))
                else:                       # STRICT tables: which of the two only the type tells
                    one.update(b"t" + struct.pack(">Q", len(value)) + value)
        whole.update(f"{name} {rows} {one.hexdigest()}\n".encode())
    line.close()
    return whole.hexdigest()


def dump(path):
    """The database as the sqlite3 shell writes it out."""
    done = subprocess.run(["sqlite3", "-readonly", f"file:{path}?immutable=1", ".dump"], capture_output=True, check=True)
    return hashlib.sha256(done.stdout).hexdigest()


def member(path, name):
    with tarfile.open(path) as archive:
        return archive.extractfile(name).read()


class Elsewhere:
    """Another machine: its own folder, key and settings."""

    def __init__(self, village, origin):
        self.house = village.house()
        self.code = self.house.folder / "code"
        self.code.write_text(origin.made["recovery_code"] + "\n")

    def restore(self, archive, *words, **more):
        return self.house.run("restore", archive, "--recovery-code-file", self.code, *words, **more)


def many_backups(village, shop, count):
    other, stop = Elsewhere(village, shop), threading.Event()
    written = []

    def work():
        while not stop.is_set():
            written.append(shop.api.client(f"C{len(written)}", f"+59398{len(written):07}")["id"])
            time.sleep(0.004)                                   # some hundred writes a second; the file stays small
    shop.api                                                    # the token, before the threads
    worker = threading.Thread(target=work)
    worker.start()
    seen = []
    try:
        for n in range(count):
            path = shop.folder / f"{n}.tar.gz"
            make(shop, "--to", path)
            inside = shop.folder / "inside.db"
            inside.write_bytes(member(path, "recado.db"))
            said = json.loads(member(path, "manifest.json"))["databases"][0]
            other.restore(path)
            there = other.house.state / "recado.db"
            assert content_of(there) == content_of(inside) == said["sha256"]
            assert dump(there) == dump(inside)
            seen.append(next(t["rows"] for t in said["tables"] if t["name"] == "client"))
            for old in other.house.state.glob("before-restore-*"):
                shutil.rmtree(old)
            assert worker.is_alive(), f"nobody writes any more, after {len(written)}"
    finally:
        stop.set()
        worker.join()
    assert seen == sorted(seen) and seen[-1] > seen[0], f"nobody wrote meanwhile: {seen}"
    assert shop.sql("SELECT count(*) FROM client") == [(len(written),)]
    states = shop.sql("SELECT state, count(*) FROM backup GROUP BY state")
    assert states == [("proved", count)]


def test_eight_backups_while_people_write_are_each_restored_elsewhere_and_equal(village, shop):
    many_backups(village, shop, 8)


@pytest.mark.long
def test_a_hundred_backups_while_people_write_are_each_restored_elsewhere_and_equal(village, shop):
    many_backups(village, shop, 100)


# --- damage ---

def state_of(house):
    """Every byte that a refused restore must leave alone."""
    return {p.relative_to(house.state): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(house.state.rglob("*")) if p.is_file() and p.name not in ("lock", "recado.db-shm")}


def damaged(dice, data):
    """The same bytes with one thing wrong; never the same bytes."""
    kind = dice.randrange(5)
    at = dice.randrange(len(data))
    if kind == 0:
        return f"bit {at}", data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1:]
    if kind == 1:
        return f"cut at {at}", data[:at]
    if kind == 2:
        more = dice.randbytes(dice.choice((1, 512, 5000)))
        return f"{len(more)} bytes behind", data + more
    if kind == 3:
        size = min(len(data) - 1, dice.choice((16, 512, 4096)))
        at = dice.randrange(len(data) - size)
        return f"{size} gone at {at}", data[:at] + data[at + size:]
    size = min(len(data) // 3, dice.choice((1, 512, 8192)))
    a, b = sorted(dice.sample(range(0, len(data) - size), 2))
    if data[a:a + size] == data[b:b + size]:
        return damaged(dice, data)
    return f"{size} of {a} put over {b}", data[:b] + data[a:a + size] + data[b + size:]


def refuse_many(shop, count, seed):
    forms = {}
    forms["gz"] = pathlib.Path(make(shop, "--to", shop.folder / "a.tar.gz")["path"]).read_bytes()
    forms["plain"] = gzip.decompress(forms["gz"])
    shop.set("backup.passphrase", PHRASE)
    forms["sealed"] = pathlib.Path(make(shop, "--to", shop.folder / "a.sealed")["path"]).read_bytes()
    shop.stop()
    before = state_of(shop)
    dice = random.Random(seed)

    def try_one(n):
        form = ("gz", "plain", "sealed")[n % 3]
        with lock:
            what, bad = damaged(dice, forms[form])
        path = shop.folder / f"bad-{n}"
        path.write_bytes(bad)
        done = shop.call("restore", path)
        path.unlink()
        words = done.stderr.strip().split("\n")
        assert done.returncode in (1, 2) and len(words) == 1 and words[0], f"{form}, {what}: {done}"
        return form
    lock = threading.Lock()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:      # the lock of the folder lets one in
        tried = list(pool.map(try_one, range(count)))
    assert len(tried) == count
    assert state_of(shop) == before
    assert not list(shop.state.glob("before-*")) and not list(shop.state.glob("restore*"))


def test_fifty_damaged_backups_are_refused_and_change_nothing(shop):
    refuse_many(shop, 50, seed=11)


@pytest.mark.long
def test_five_hundred_damaged_backups_are_refused_and_change_nothing(shop):
    seed = int(os.environ.get("RECADO_SEED") or random.randrange(1 << 30))
    print(f"RECADO_SEED={seed}")
    refuse_many(shop, 500, seed)


def tar_of(*members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data, kind in members:
            info = tarfile.TarInfo(name)
            info.size, info.type = len(data), kind
            if kind == tarfile.SYMTYPE:
                info.linkname = "/etc/passwd"
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def database(folder, setup):
    path = folder / "other.db"
    path.unlink(missing_ok=True)
    line = sqlite3.connect(path)
    line.executescript(setup)
    line.close()
    return path.read_bytes()


def test_what_is_no_backup_of_ours_is_refused_with_its_sentence(shop):
    made = pathlib.Path(make(shop, "--to", shop.folder / "a.tar.gz")["path"])
    plain = gzip.decompress(made.read_bytes())
    ours = member(made, "recado.db")
    newer = bytearray(ours)
    struct.pack_into(">I", newer, 60, 9999)                      # user_version
    head = plain.replace(b'"format": 1', b'"format": 2', 1)
    shop.stop()
    before = state_of(shop)
    regular = tarfile.REGTYPE
    cases = {
        "another program's database": tar_of(("recado.db", database(shop.folder, "CREATE TABLE x (a)"), regular)),
        "no database": tar_of(("recado.db", b"hello", regular)),
        "another tar": tar_of(("etc/motd", b"hello", regular)),
        "a way out": tar_of(("recado.db", ours, regular), ("../../evil", b"x", regular)),
        "an absolute name": tar_of(("/etc/evil", b"x", regular)),
        "a link": tar_of(("recado.db", b"", tarfile.SYMTYPE)),
        "a newer database": tar_of(("recado.db", bytes(newer), regular)),
        "a newer form": head,
        "a bomb": gzip.compress(b"\0" * 50_000_000, 9),
        "a bomb in a tar": gzip.compress(plain[:512] + b"\0" * 50_000_000, 9),
        "a size beyond all disks": plain[:512].replace(plain[124:135], b"77777777777", 1),
        "nothing": b"", "text": b"hola\n" * 1000, "a lone gzip": gzip.compress(b""),
    }
    for what, data in cases.items():
        bad = shop.folder / "bad"
        bad.write_bytes(data)
        done = shop.call("restore", bad, lang="en")
        assert done.returncode in (1, 2) and len(done.stderr.strip().split("\n")) == 1, (what, done)
        assert state_of(shop) == before, what
    folder = shop.call("restore", shop.folder, lang="en")
    assert folder.returncode == 2 and "is not a backup of Recado" in folder.stderr
    assert not (shop.folder.parent / "evil").exists()


# --- secrets ---

def test_without_a_passphrase_neither_key_nor_secrets_leave_the_house(village, shop):
    shop.set("smtp.password", "zanahoria")
    shop.set("s3.prefix", "la-tienda")                 # this machine's folder, not that of the one it is restored on
    text = shop.config.read_text()                     # one that somebody made a comment of, and a remark
    shop.config.write_text(re.sub(r"(?m)^\[smtp\]$", "[smtp]\n#  password : remolacha\n; the password: ask Ana", text))
    assert "remolacha" in shop.config.read_text()
    made = make(shop)
    assert b"; the password: ask Ana" in member(made["path"], "recado.ini")
    with tarfile.open(made["path"]) as archive:
        names = archive.getnames()
        everything = b"".join(archive.extractfile(n).read() for n in names if n != "recado.db")
    assert "key" not in names and "last_seen" not in names
    for secret in (b"key-of-the-session", b"prove-it-is-you", b"zanahoria", b"remolacha", (shop.state / "key").read_bytes()):
        assert secret not in everything
    assert json.loads(member(made["path"], "manifest.json"))["left_out"]
    other = Elsewhere(village, shop).house
    other.run("config", "reset", "whatsapp.api_key")
    refused = other.call("restore", made["path"], lang="en")
    assert refused.returncode == 1 and "--recovery-code-file" in refused.stderr
    wrong = other.folder / "wrong"
    wrong.write_text(other.made["recovery_code"])
    assert "another key" in other.call("restore", made["path"], "--recovery-code-file", wrong, lang="en").stderr
    wrong.write_text("ABCD-EFGH")
    assert "mistyped" in other.call("restore", made["path"], "--recovery-code-file", wrong, lang="en").stderr
    code = other.folder / "right"
    code.write_text(shop.made["recovery_code"].lower().replace("-", " "))
    said = other.run("restore", made["path"], "--recovery-code-file", code, json_out=True)
    assert "smtp.password" in said["to_enter"] and "whatsapp.api_key" in said["to_enter"]
    assert "whatsapp.webhook_secret" not in said["to_enter"]     # this machine has its own
    assert said["kept_settings"] == [{"name": "s3.prefix", "here": "recado", "there": "la-tienda"}]
    assert (other.state / "key").read_bytes() == (shop.state / "key").read_bytes()
    kept = pathlib.Path(said["kept"])
    assert (kept / "recado.db").exists() and (kept / "key").exists() and (kept / "recado.ini").exists()
    other.serve()
    assert Panel(other, None) and other.sql("SELECT count(*) FROM service") == [(1,)]


def test_a_sealed_backup_opens_with_its_passphrase_alone_and_brings_all_of_the_house(village, shop):
    shop.set("smtp.password", "zanahoria")
    shop.set("backup.passphrase", PHRASE)
    made = make(shop)
    assert made["is_sealed"] and made["is_proved"] and made["path"].endswith(".sealed")
    data = pathlib.Path(made["path"]).read_bytes()
    assert data.startswith(b"RECADOS1") and b"zanahoria" not in data
    other = village.house()
    assert "--passphrase-file" in other.call("restore", made["path"], lang="en").stderr
    phrase = other.folder / "phrase"
    phrase.write_text("otra frase\n")
    assert "does not open" in other.call("restore", made["path"], "--passphrase-file", phrase, lang="en").stderr
    phrase.write_text(PHRASE + "\n")
    said = other.run("restore", made["path"], "--passphrase-file", phrase, json_out=True)
    assert said["to_enter"] == [] and said["has_new_key"]
    assert (other.state / "key").read_bytes() == (shop.state / "key").read_bytes()
    assert "zanahoria" in other.config.read_text()


def test_a_backup_from_before_the_passphrase_was_changed_opens_with_the_old_one(shop):
    shop.set("backup.passphrase", PHRASE)
    made = make(shop)
    shop.set("backup.passphrase", "la frase de ahora")
    shop.stop()
    assert "--passphrase-file" in shop.call("restore", made["path"], lang="en").stderr
    person, terminal = os.openpty()                    # at a terminal it is asked for
    with subprocess.Popen([binary(), "restore", made["path"], "--config", str(shop.config), "--lang", "en"], stdin=terminal,
                          stderr=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        asked = b""
        while b"Passphrase of the backup:" not in asked:
            asked += (more := os.read(running.stderr.fileno(), 1000))
            assert more, asked
        os.write(person, PHRASE.encode() + b"\n")
        out, err = running.communicate(timeout=60)
    os.close(person)
    os.close(terminal)
    assert running.returncode == 0 and b"Restored" in out, err


# --- what came before ---

def test_the_plain_archive_of_the_first_version_is_still_taken(village, shop):
    shop.stop()
    line = sqlite3.connect(shop.state / "recado.db")
    line.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    line.execute("PRAGMA journal_mode=DELETE")
    line.close()
    was = content_of(shop.state / "recado.db")
    old = shop.folder / "recado-2026-01-01T08-30-00-000Z.tar"
    # As version 0.1.0 wrote it: mode, owner and checksum in its own spelling.
    out = b""
    for name in ("recado.db", "recado.ini"):
        data = (shop.state / name).read_bytes()
        block = bytearray(512)
        for at, field in ((0, name.encode()), (100, b"0000600\0"), (108, b"0000000\0"), (116, b"0000000\0"),
                          (124, b"%011o\0" % len(data)), (136, b"%011o\0" % 1767256200), (148, b" " * 8), (156, b"0"),
                          (257, b"ustar\x0000")):
            block[at:at + len(field)] = field
        block[148:156] = b"%06o\0 " % sum(block)
        out += bytes(block) + data + b"\0" * (-len(data) % 512)
    old.write_bytes(out + b"\0" * 1024)
    other = village.house()
    other.run("restore", old)
    assert content_of(other.state / "recado.db") == was
    other.serve()
    assert other.sql("SELECT display_name FROM service") == [("Netflix",)]


def test_an_older_databases_backup_is_brought_up_to_date_at_the_next_start(shop):
    made = make(shop, "--to", shop.folder / "a.tar.gz")
    shop.stop()
    older = {n: member(made["path"], n) for n in ("recado.db", "recado.ini")}
    path = shop.folder / "older.db"
    path.write_bytes(older["recado.db"])
    step_back(path)
    data = path.read_bytes()
    archive = shop.folder / "older.tar"
    with tarfile.open(archive, "w", format=tarfile.USTAR_FORMAT) as out:
        info = tarfile.TarInfo("recado.db")
        info.size, info.mode = len(data), 0o600
        out.addfile(info, io.BytesIO(data))
    assert shop.call("restore", archive).returncode != 0         # not as we write them: refused
    archive.write_bytes(as_first_version({"recado.db": data}))
    shop.run("restore", archive)
    shop.serve()
    last = len(list((ROOT / "migrations").glob("*.sql")))
    assert shop.sql("PRAGMA user_version") == [(last,)]
    assert shop.sql("SELECT display_name FROM service") == [("Netflix",)]


def as_first_version(members):
    out = b""
    for name, data in members.items():
        block = bytearray(512)
        for at, field in ((0, name.encode()), (100, b"0000600\0"), (108, b"0000000\0"), (116, b"0000000\0"),
                          (124, b"%011o\0" % len(data)), (136, b"%011o\0" % 1767256200), (148, b" " * 8), (156, b"0"),
                          (257, b"ustar\x0000")):
            block[at:at + len(field)] = field
        block[148:156] = b"%06o\0 " % sum(block)
        out += bytes(block) + data + b"\0" * (-len(data) % 512)
    return out + b"\0" * 1024


def step_back(path):
    """The database as it was before the last migration, which only made tables and changed indexes."""
    files = sorted((ROOT / "migrations").glob("*.sql"))
    assert "ALTER TABLE" not in files[-1].read_text(), "a migration that changes tables: say here what undoes it"
    before = sqlite3.connect(":memory:")
    for file in files[:-1]:
        before.executescript(file.read_text())
    known = dict(before.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL OR type = 'index'"))
    before.close()
    line = sqlite3.connect(path)
    made = line.execute("SELECT type, name FROM sqlite_schema WHERE sql IS NOT NULL AND name <> 'schema_migration'").fetchall()
    for kind, name in sorted(made):                              # indexes first
        if name not in known:
            line.execute(f"DROP {kind} {name}")
    now = dict(line.execute("SELECT name, sql FROM sqlite_schema"))
    for name, sql in known.items():                              # indexes that it took away or made anew
        if sql and re.match("CREATE (UNIQUE )?INDEX", sql) and now.get(name) != sql:
            line.executescript((f"DROP INDEX {name};" if name in now else "") + sql)
    line.executescript(f"DELETE FROM schema_migration WHERE number = {len(files)}; PRAGMA user_version = {len(files) - 1}")
    line.close()


def test_an_upgrade_is_undone_with_everything_kept(shop):
    shop.api.client("Antes")
    shop.stop()
    assert "no upgrade" in shop.call("rollback", lang="en").stderr
    step_back(shop.state / "recado.db")
    shop.serve()                                                 # the upgrade
    shop.stop()
    last = len(list((ROOT / "migrations").glob("*.sql")))
    was = content_of(shop.state / f"recado.db.before-{last - 1}")
    assert (shop.state / f"recado.ini.before-{last - 1}").exists()
    shop.serve()
    shop.api.client("Después")
    assert shop.call("rollback").returncode != 0                 # not under the server's feet
    shop.stop()
    shop.set("backup.daily", "9")                                # a key that the older program does not know
    look = shop.run("rollback", "--check", json_out=True)
    assert (look["from"], look["to"]) == (last, last - 1)
    assert shop.run("rollback", "--to-schema", str(last)).count(str(last)) == 1
    said = shop.run("rollback", lang="en")
    assert said.index("all that was entered") < said.index("before the upgrade")     # what is lost, before it is
    said = {"kept": re.search(r"is in (\S+);", said).group(1)}
    assert content_of(shop.state / "recado.db") == was
    assert "daily = 9" not in shop.config.read_text()
    kept = sqlite3.connect(f"file:{said['kept']}/recado.db?mode=ro", uri=True)
    assert kept.execute("SELECT count(*) FROM client").fetchone() == (2,)
    kept.close()
    assert "nothing to undo" in shop.call("rollback", lang="en").stderr
    shop.serve()
    assert shop.api.get("gateway")["why"] == "restored"
    assert shop.sql("SELECT given_names FROM client") == [("Antes",)]


# --- the page ---

def test_the_owner_sees_makes_and_takes_away_backups(shop):
    ana = shop.panel()
    assert "Aún no hay" in text_of(ana.page("/backups"))
    ana.post("/backups/now")
    wait_until(lambda: "Comprobada el" in text_of(ana.page("/backups")) and archives(shop)
               and shop.sql("SELECT count(*) FROM backup WHERE state = 'proved'") == [(1,)], "the backup")
    page = ana.page("/backups")
    one = re.search(r'href="(/backups/[a-z2-7]{26})"', page).group(1)
    assert "no está sellada" in text_of(ana.page(one)).lower()
    wrong = ana.send("POST", one + "/download", {"csrf": ana.csrf(), "password": "no es"})
    assert wrong.status == 422 and b"RECADO" not in wrong.body
    given = ana.send("POST", one + "/download", {"csrf": ana.csrf(), "password": PASSWORD})
    assert given.status == 200 and given.body == archives(shop)[0].read_bytes()
    assert shop.sql("SELECT count(*) FROM audit WHERE action = 'download'") == [(1,)]
    rows = shop.api.get("backups")["data"]
    assert rows[0]["state"] == "proved" and rows[0]["proved_at"].endswith("Z")
    beto = shop.panel("beto", "seller")
    assert beto.send("GET", "/backups").status == 403


def test_a_backup_that_does_not_prove_loses_its_name_and_says_so(shop):
    made = pathlib.Path(make(shop, "--no-prove")["path"])
    assert shop.sql("SELECT state FROM backup") == [("made",)]
    data = bytearray(made.read_bytes())
    data[len(data) // 2] ^= 1
    made.write_bytes(bytes(data))
    done = shop.call("backup", "prove", made, lang="en")
    assert done.returncode == 2 and "damaged" in done.stderr
    data[len(data) // 2] ^= 1
    made.write_bytes(bytes(data))
    shop.run("backup", "prove", made)
    assert shop.sql("SELECT state FROM backup") == [("proved",)]
    assert "comprobada" in shop.run("backup", "list")


def test_a_lost_file_does_not_keep_the_rest_from_being_saved(shop):
    reply = shop.api.call("POST", "clients/import", {"text": "x"})
    assert reply.status < 500
    line = sqlite3.connect(shop.state / "recado.db", timeout=30)
    line.execute("INSERT INTO file (public_id, sha256, name, size, media_type, owner_table, owner_id, created_by, created_at)"
                 " VALUES (?, ?, 'foto.jpg', 4, 'image/jpeg', 'x', 1, 'ana', 0)", ("f" * 26, "ab" * 32))
    line.commit()
    line.close()
    made = make(shop)
    assert made["is_proved"] and made["lost_files"] == 1
    assert "1" in shop.sql("SELECT error FROM backup")[0][0]


def test_what_a_cut_or_a_bad_backup_left_in_the_folder_does_not_pile_up(shop):
    folder = shop.state / "backups"
    keep, go = [], []
    for n, name in enumerate(["recado-2025-01-01T03-30-00-000Z.tar.gz.damaged", "recado-2025-01-03T03-30-00-000Z.tar.gz.damaged",
                              "recado-2025-01-02T03-30-00-000Z.tar.gz.damaged"]):
        (keep if n == 1 else go).append(folder / name)
    go += [folder / ".new-Abc123", shop.state / "tmp" / "prove-4194399-abcdefgh"]
    keep += [folder / ".new-Young1", folder / "my-own.damaged", folder / ".newer"]
    for path in keep + go:
        if path.name.startswith("prove"):
            path.mkdir()
        else:
            path.write_bytes(b"all customers")
    for path in (folder / ".new-Abc123", folder / ".newer"):
        os.utime(path, (0, 0))
    shop.run("schedules", "run", "ops.backup", "--wait")
    assert [p.name for p in go if p.exists()] == [] and [p.name for p in keep if not p.exists()] == []
