"""A bulk send's 250,000 recipients, 50 MiB of CSV, against the sqlite3 shell's `.import` of the same file.

Ours looks at the file first (what a person sees before anything is kept: encoding, columns, what is wrong with which
row, duplicates) and then takes it in: every row judged, its variables as canonical JSON, two keys a row against
duplicates, all of it hidden until the last row is there. The shell takes the cells as they are, into a table without
an index. Both write through a WAL with synchronous=FULL.
"""
import hashlib
import pathlib
import random
import sqlite3
import statistics
import subprocess
import threading
import time
import uuid

import house

ROWS, BYTES = 250_000, 50 * 1024 * 1024
OTHERS = 4                      # people at the panel meanwhile
HEADING = ("email", "nombres", "Valor", "Vence", "Contrato", "Direccion", "Nota")


def recipients(path, rows=ROWS, size=BYTES):
    """As large as a file may be: rows of the same length on average, every twentieth with quotes and accents."""
    dice, width = random.Random(7), size // rows
    with open(path, "w", encoding="utf-8", newline="") as out:
        out.write(";".join(HEADING) + "\r\n")
        for n in range(rows):
            name = "María José Peñafiel" if n % 20 == 0 else "Ana Paz"
            start = (f"persona{n}@example{n % 100}.com;{name};{n % 9000}.{n % 100:02};2026-12-{1 + n % 28:02};C-{n:08};"
                     f"{'Calle ' + str(n % 500)};")
            words = "".join(dice.choices("abcdefghijklmnopqrstuvwxyz    ", k=40)).strip()
            note = (words * 8)[:max(0, width - len(start.encode()) - 6)].strip()
            out.write(start + (f'"{note[2:]}"' if n % 20 == 0 else note) + "\r\n")
    if path.stat().st_size > size:
        raise RuntimeError(f"{path.stat().st_size} bytes are more than a file may have")


def shell_seconds(shell, folder, csv, round_):
    path = folder / f"peer-{round_}.db"
    columns = ", ".join(f"{c} TEXT" for c in HEADING)
    began = time.monotonic()
    done = subprocess.run([shell, str(path)], capture_output=True, text=True, check=True,
                          input=f"PRAGMA journal_mode=WAL;\nPRAGMA synchronous=FULL;\nCREATE TABLE r ({columns});\n"
                                f".mode csv\n.separator \";\" \"\\r\\n\"\n.import --skip 1 {csv} r\nSELECT count(*) FROM r;\n")
    took = time.monotonic() - began
    if int(done.stdout.split()[-1]) != ROWS or done.stderr:
        raise RuntimeError(f"the shell took in {done.stdout.strip()}: {done.stderr[:200]}")
    path.unlink()
    return took


def place(made, csv):
    """A send of the file and its import's job, in a house that is not running; the send's id."""
    data = pathlib.Path(csv).read_bytes()
    sha = hashlib.sha256(data).hexdigest()
    where = made.state / "files" / sha[:2]
    where.mkdir(parents=True, exist_ok=True)
    (where / sha).write_bytes(data)
    line = sqlite3.connect(made.state / "recado.db")
    with line:
        file_id = line.execute("INSERT INTO file (public_id, sha256, name, size, media_type, owner_table, created_at)"
                               " VALUES (?, ?, 'r.csv', ?, 'text/csv', 'bulk_send', 0)",
                               (uuid.uuid4().hex[:26], sha, len(data))).lastrowid
        bulk_id = line.execute("INSERT INTO bulk_send (public_id, channel, template_id, file_id, import_status, created_at,"
                               " updated_at) VALUES (?, 'email', 't', ?, 'importing', 0, 0)",
                               (uuid.uuid4().hex[:26], file_id)).lastrowid
        line.execute("INSERT INTO job (kind, slot, args_json, queue, run_at, created_at) VALUES ('sends.import', ?, ?,"
                     " 'import', 0, 0)", (f"sends.import:{bulk_id}", f'{{"bulk_id":{bulk_id}}}'))
    line.close()
    return bulk_id


def settled(made, bulk_id, watch=lambda: None):
    while True:
        watch()
        (status, rows, valid), = made.sql("SELECT import_status, imported_rows, valid_rows FROM bulk_send WHERE id = ?", bulk_id)
        if status != "importing":
            if (status, rows, valid) != ("ready", ROWS, ROWS):
                raise RuntimeError(f"the import is {status}, {valid} of {rows}")
            return
        time.sleep(0.01)


def preview_seconds(made, token, csv):
    mark = uuid.uuid4().hex
    body = (f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="r.csv"\r\n\r\n').encode() \
        + csv.read_bytes() + f"\r\n--{mark}--\r\n".encode()
    began = time.monotonic()
    reply = house.request(made.address, "POST", "/api/v1/csv/preview", body,
                          {"Authorization": "Bearer " + token, "Content-Type": f"multipart/form-data; boundary={mark}"})
    if reply.status != 200 or reply.json["valid"] != ROWS:
        raise RuntimeError(f"preview: {reply}")
    return time.monotonic() - began


def measure(report, build, bench, rounds=3):
    shell, ours, peer, idle, peaks = bench.sqlite_shell(build), [], [], [], []
    for n in range(rounds):
        with bench.Place() as village:
            made = village.house()
            token = made.token()
            csv = made.folder / "destinatarios.csv"
            recipients(csv)
            peer.append(shell_seconds(shell, made.folder, csv, n))
            made.serve()
            preview = preview_seconds(made, token, csv)
            made.stop()
            bulk_id = place(made, csv)
            made.serve()
            own, pid = [], made.server.pid
            settled(made, bulk_id, lambda: own.append((bench.memory_kb(pid, "RssAnon"), bench.memory_kb(pid, "RssFile"))))
            (started, ended), = made.sql("SELECT r.started_at, b.import_finished_at FROM job_run r JOIN job j ON j.id = r.job_id,"
                                         " bulk_send b WHERE j.kind = 'sends.import' AND b.id = ?", bulk_id)
            ours.append((preview + (ended - started) / 1000, preview, (ended - started) / 1000))
            idle.append(own[0][0])
            peaks.append((max(a for a, _ in own), max(a + f for a, f in own)))
    total, look, take = min(ours)
    report.add("250,000 recipients, 50 MiB: preview and import", total, min(peer), "the shell's .import of the same file", 4.0,
               "s", note=f"preview {look:.2f} s, import {take:.2f} s")
    high, with_upload = max(peaks)
    report.add("memory with that import, over idle", (high - min(idle)) / 1024, 48.0, "the limit", 1.0, "MB",
               note=f"with the mapped upload {with_upload / 1024:.0f} MB in all at its highest")
    meanwhile(report, build, bench)


def meanwhile(report, build, bench):
    """What others at the panel wait for while the file is taken in."""
    quiet, busy = [], []
    with bench.Place() as village:
        made = village.house()
        csv = made.folder / "destinatarios.csv"
        recipients(csv)
        made.serve()
        panel = made.panel()
        bench.load(build, made, panel, "/services", OTHERS, 0.5)
        quiet = [bench.load(build, made, panel, "/services", OTHERS, 1)["p99_us"] for _ in range(3)]
        token, over = made.token(), threading.Event()

        def work():
            try:
                preview_seconds(made, token, csv)
            finally:
                over.set()
        worker = threading.Thread(target=work)
        worker.start()
        while not over.is_set():
            busy.append(bench.load(build, made, panel, "/services", OTHERS, 0.3)["p99_us"])
        worker.join()
        made.stop()
        bulk_id = place(made, csv)
        made.serve()
        while made.sql("SELECT import_status FROM bulk_send WHERE id = ?", bulk_id) == [("importing",)]:
            busy.append(bench.load(build, made, panel, "/services", OTHERS, 0.3)["p99_us"])
    report.add(f"/services, {OTHERS} others, p99 while recipients come in", statistics.median(busy) / 1000,
               statistics.median(quiet) / 1000, "its own when quiet", 3.0, "ms")
