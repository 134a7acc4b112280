"""A backup of a 1 GB database while 500 transactions a second go on: how long the writers wait, with it and without; and how
soon the program answers when it starts on such a file.

The writers are tests/bench/writers.c: the program's own lane, log and checkpointer, each commit synced. The backup is
`recado backup`, as the nightly job does it: snapshot, sums, archive, proof.
"""
import http.client
import json
import os
import resource
import socket
import sqlite3
import statistics
import subprocess
import time

import house

GIGABYTE = 1_000_000_000
ROW = 2000                      # bytes of a row of history: a change of a customer, before and after
RATE = 500
QUIET_S = 8
PATIENCE = 900                  # seconds for one backup on a machine that has other things to do


def fill(path):
    """1 GB of history, with its indexes, made from one statement."""
    line = sqlite3.connect(path)
    line.execute("PRAGMA journal_mode=WAL")
    line.execute("PRAGMA synchronous=OFF")
    line.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
                 " INSERT INTO audit (at, actor, address, action, table_name, row_id, before_json, after_json, search)"
                 " SELECT 1760000000000 + i * 1000, 'ana', '', 'update', 'client', i, NULL,"
                 " '{\"notes\":\"' || hex(randomblob(?)) || '\"}', 'ana' FROM n", (GIGABYTE // ROW, ROW // 2 - 60))
    line.commit()
    line.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    line.close()


class Writers:
    def __init__(self, build, state):
        self.process = subprocess.Popen([str(build / "bench" / "writers"), str(state), str(RATE)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def since(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)


def cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def back_up(made, path):
    """Seconds it took, and of the processor."""
    spent, began = cpu_s(), time.monotonic()
    subprocess.run([house.binary(), "backup", "--to", str(path), "--config", str(made.config)], check=True, timeout=PATIENCE,
                   stdout=subprocess.DEVNULL)
    took = time.monotonic() - began
    os.unlink(path)
    return took, cpu_s() - spent


def waits(report, build, made):
    writers = Writers(build, made.state)
    try:
        time.sleep(1)
        writers.since()
        time.sleep(QUIET_S)
        quiet = writers.since()
        took, cpu = back_up(made, made.folder / "a.tar.gz")
        busy = writers.since()
        time.sleep(QUIET_S)
        after = writers.since()
        wal = (made.state / "recado.db-wal").stat().st_size
    finally:
        writers.close()
    note = (f"a backup took {took:.0f} s, {cpu:.0f} s of processor; its log {wal / 1e6:.0f} MB; median wait"
            f" {busy['median_us'] / 1000:.2g} ms; {busy['count'] / took:.0f} transactions a second")
    report.add("waiting of a writer, p99, while 1 GB is backed up", busy["p99_us"] / 1000, 20, "the bound, 20 ms", 1.0, "ms",
               note=note)
    report.add("the same against no backup", busy["p99_us"] / 1000, min(quiet["p99_us"], after["p99_us"]) / 1000,
               "the same writers alone", None, "ms")


def starts(report, made, rounds=5):
    """From exec to the first answer of /health/live."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    made.set("web.listen", f"127.0.0.1:{port}")
    times = []
    for _ in range(rounds):
        began = time.monotonic()
        process = subprocess.Popen([house.binary(), "serve", "--config", str(made.config)], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        while True:
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            try:
                line.request("GET", "/health/live")
                if line.getresponse().status == 200:
                    break
            except OSError:
                time.sleep(0.001)
            finally:
                line.close()
        times.append((time.monotonic() - began) * 1000)
        process.terminate()
        process.wait(60)
    report.add("start with a 1 GB file until it answers", min(times), 300, "the bound, 300 ms", 1.0, "ms",
               note=f"median {statistics.median(times):.0f} ms of {rounds}")


def backups(report, build, bench):
    with bench.Place() as village:
        made = village.house()
        made.run("renewals", "run", "--dry-run")
        fill(made.state / "recado.db")
        starts(report, made)
        waits(report, build, made)
