"""A report of 1,000,000 deliveries into its typed table, against the sqlite3 shell's `.import` of the same file.

The shell's table has the columns of ours that the file fills (date as text, since the shell cannot turn it into a
number) and the same indexes: none, a row's number is its key. Ours casts every cell, finds the day in the business's
zone, commits slices of a twentieth of a second, and shows all rows at once at the end. Both write through a WAL with
synchronous=FULL. The cost of a row must not grow with the file: 10,000 rows against 1,000,000.
"""
import hashlib
import pathlib
import random
import sqlite3
import subprocess
import time
import uuid

ROWS, FEW = 1_000_000, 10_000
DAY = "2026-11-20"


def report_csv(path, rows):
    dice = random.Random(3)
    domains = ("gmail.com", "hotmail.com", "yahoo.es", "outlook.com", "empresa.com.ec")
    states = ["Sent"] * 92 + ["Rejected"] * 3 + ["Invalid"] * 3 + ["Dropped"] * 2
    with open(path, "w", encoding="utf-8", newline="") as out:
        out.write("\ufeffSubject,Sender,SenderName,Email,Status,Date,Opens,Clicks\r\n")
        for n in range(rows):
            at, opens = n * 60000 // rows, dice.choice((0, 0, 0, 1, 2))
            out.write(f'"Tu factura de noviembre, ya disponible",avisos@negocio.example,Negocio,persona{n:07}@{dice.choice(domains)},'
                      f"{dice.choice(states)},{DAY} {5 + at // 3600:02}:{at // 60 % 60:02}:{at % 60:02},{opens},{opens // 2}\r\n")


def shell_seconds(shell, folder, csv, rows, round_):
    path = folder / f"peer-{round_}.db"
    began = time.monotonic()
    done = subprocess.run([shell, str(path)], capture_output=True, text=True, check=True,
                          input="PRAGMA journal_mode=WAL;\nPRAGMA synchronous=FULL;\n"
                                "CREATE TABLE r (subject TEXT, sender TEXT, sendername TEXT, email TEXT, status TEXT,"
                                " date TEXT, opens INTEGER, clicks INTEGER) STRICT;\n"
                                f".import --csv --skip 1 {csv} r\nSELECT count(*) FROM r;\n")
    took = time.monotonic() - began
    if int(done.stdout.split()[-1]) != rows or done.stderr:
        raise RuntimeError(f"the shell took in {done.stdout.strip()}: {done.stderr[:200]}")
    path.unlink()
    return took


def place(made, csv):
    """A READY report with its file and the job that loads it, in a house that is not running."""
    data = pathlib.Path(csv).read_bytes()
    sha = hashlib.sha256(data).hexdigest()
    where = made.state / "files" / sha[:2]
    where.mkdir(parents=True, exist_ok=True)
    (where / sha).write_bytes(data)
    line = sqlite3.connect(made.state / "recado.db")
    with line:
        file_id = line.execute("INSERT INTO file (public_id, sha256, name, size, media_type, owner_table, created_at)"
                               " VALUES (?, ?, 'r.csv', ?, 'text/csv', 'generated_report', 0)",
                               (uuid.uuid4().hex[:26], sha, len(data))).lastrowid
        report_id = line.execute("INSERT INTO generated_report (public_id, type, start_on, end_on, state, file_id, created_at,"
                                 " updated_at) VALUES (?, 'deliveries', ?, ?, 'READY', ?, 0, 0)",
                                 (uuid.uuid4().hex[:26], DAY, DAY, file_id)).lastrowid
        line.execute("INSERT INTO job (kind, slot, args_json, queue, run_at, created_at) VALUES ('sends.load_report', ?, ?,"
                     " 'import', 0, 0)", (f"load:default:{report_id}", f'{{"report_id":{report_id},"alias":"default"}}'))
    line.close()


def our_seconds(bench, made, rows):
    made.serve()
    own, pid = [], made.server.pid
    while True:
        own.append(bench.memory_kb(pid, "RssAnon"))
        ended = made.sql("SELECT j.state, r.started_at, r.finished_at FROM job j JOIN job_run r ON r.job_id = j.id"
                         " WHERE j.kind = 'sends.load_report' AND j.state <> 'running' AND r.finished_at IS NOT NULL")
        if ended:
            break
        time.sleep(0.01)
    made.stop()
    line = sqlite3.connect(made.state / "reports.db")
    (seen,), = line.execute("SELECT count(*) FROM reports_deliveries")
    line.close()
    (state, started, finished), = ended
    if state != "done" or seen != rows:
        raise RuntimeError(f"the load is {state} with {seen} of {rows} rows")
    return (finished - started) / 1000, max(own) - own[0]


def measure(report, build, bench, rounds=3):
    shell, ours, few, peer, grown = bench.sqlite_shell(build), [], [], [], []
    for n in range(rounds):
        with bench.Place() as village:
            made = village.house()
            csv = made.folder / "report.csv"
            report_csv(csv, ROWS)
            peer.append(shell_seconds(shell, made.folder, csv, ROWS, n))
            place(made, csv)
            took, more = our_seconds(bench, made, ROWS)
            ours.append(took)
            grown.append(more)
        with bench.Place() as village:
            made = village.house()
            csv = made.folder / "report.csv"
            report_csv(csv, FEW)
            place(made, csv)
            few.append(our_seconds(bench, made, FEW)[0])
    report.add("1,000,000 rows of a report, typed load", min(ours), min(peer), "the shell's .import into the same table", 1.5,
               "s", note=f"memory grows by {max(grown) / 1024:.0f} MB")
    report.add("one row of that load", min(ours) / ROWS * 1e6, min(few) / FEW * 1e6, "one row of a load of 10,000", 1.5, "µs")
