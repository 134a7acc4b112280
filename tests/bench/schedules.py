"""10,000 schedules, none of them due for hours: what the process costs while it waits, as percent of one core.

Beside it: the same house with its own few schedules, what planning 10,000 new ones costs once, and an edited one among
them: how soon its new time stands in its row.
"""
import datetime
import sqlite3
import time

SCHEDULES = 10_000
SECONDS = 20
SETTLED = 4                     # seconds in which a start has planned everything and sent its caches home


def add(made, now):
    """Daily ones, two to twenty hours from now, in eight zones; as a module would make them for its rows."""
    zones = ("", "America/Bogota", "America/Lima", "America/Mexico_City", "America/New_York", "America/Sao_Paulo",
             "America/Santiago", "America/Caracas")
    utc = now.astimezone(datetime.timezone.utc)
    rows = []
    for n in range(SCHEDULES):
        at = utc + datetime.timedelta(minutes=11 * 60 + n % 300)   # far from now in each of those zones
        rows.append((f"bench.{n}", "ops.sweep", f"{at.minute} {at.hour} * * *", zones[n % len(zones)], "run", 60))
    with sqlite3.connect(made.state / "recado.db") as line:
        line.executemany("INSERT INTO schedule (name, job_kind, rule, zone, late_rule, late_limit_s, updated_at)"
                         " VALUES (?, ?, ?, ?, ?, ?, 0)", rows)
    line.close()


def percent_of_a_core(bench, made):
    pid = made.server.pid
    before, began = bench.cpu_s(pid), time.monotonic()
    time.sleep(SECONDS)
    return (bench.cpu_s(pid) - before) / (time.monotonic() - began) * 100


def schedules(report, build, bench):
    with bench.Place() as village:
        made = village.house({"business.zone": "UTC"})
        made.serve()
        time.sleep(SETTLED)
        few = percent_of_a_core(bench, made)
        made.stop()
        add(made, datetime.datetime.now(datetime.timezone.utc))
        made.serve()
        while made.sql("SELECT 1 FROM schedule WHERE next_due_at IS NULL"):
            time.sleep(0.05)
        planned = bench.cpu_s(made.server.pid)
        time.sleep(SETTLED)
        report.add("10,000 schedules at rest, processor of one core", percent_of_a_core(bench, made), 1.0, "the limit",
                   1.0, "%", note=f"with its own {few:.2f} %; planning all 10,000 once, start included: {planned:.2f} s")
