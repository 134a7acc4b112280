"""What a forecast of 30 days costs: the planning of one of its days, by the same program in the same run.

100,000 monthly subscriptions, their ends spread over the days, every customer known to the ledger as in a house that has
been at work for long. The peer is the job that plans one day; sending is not in it: the channel is stopped.
"""
import datetime
import resource
import statistics
import subprocess
import time

import data

SUBSCRIPTIONS = 100_000
SPREAD = 30                     # monthly: as many ends on each day
DAYS = 30
FILL = (f"UPDATE subscription SET ends_on = date(:today, '+' || (id * 7919 % {SPREAD}) || ' days'),"
        " starts_on = date(:today, '-30 days')")
CONTACTS = ("INSERT INTO contact (kind, address, public_id, created_at)"
            " SELECT 'phone', phone, 'kk' || substr(public_id, 3), created_at FROM client WHERE phone IS NOT NULL")


def planning_s(bench, made):
    """Seconds of the job that plans a day, those of its processor, and how many notices it made."""
    before = bench.cpu_s(made.server.pid)
    made.run("renewals", "run")
    spent = bench.cpu_s(made.server.pid) - before
    took, = made.sql("SELECT r.finished_at - r.started_at FROM job_run r JOIN job j ON j.id = r.job_id"
                     " WHERE j.kind = 'renewals.plan' ORDER BY r.id DESC LIMIT 1")
    return took[0] / 1000, spent, made.sql("SELECT count(*) FROM notice")[0][0]


def forecast_s(bench, made):
    """Seconds of the command, those of its processor, and its memory at its highest."""
    began, high, before = time.monotonic(), 0, resource.getrusage(resource.RUSAGE_CHILDREN)
    child = subprocess.Popen([bench.house.binary(), "forecast", "--config", str(made.config), "--days", str(DAYS)],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while child.poll() is None:
        try:
            high = max(high, bench.memory_kb(child.pid, "VmHWM"))
        except (AttributeError, FileNotFoundError):
            pass                # it is just ending
        time.sleep(0.01)
    if child.returncode != 0:
        raise RuntimeError(f"forecast: exit {child.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - began, spent, high


def forecasts(report, build, bench, rounds=3):
    today = datetime.date.today()
    ours, peer, memory, spent = [], [], [], []
    for _ in range(rounds):
        with bench.Place() as village:
            made = bench.filled(village, SUBSCRIPTIONS, SUBSCRIPTIONS, 0, today)
            with data.Filling(str(made.state / "recado.db"), ["subscription", "contact"]) as db:
                db.execute(FILL, {"today": today.isoformat()})
                db.execute(CONTACTS)
            took, our_cpu, high = forecast_s(bench, made)
            ours.append(took)
            memory.append(high)
            made.set("whatsapp.base_url", "http://127.0.0.1:1")
            made.serve(secret=None)
            made.panel().post("/channels/whatsapp/stop")
            took, peer_cpu, count = planning_s(bench, made)
            spent.append((our_cpu, peer_cpu))
            if count < SUBSCRIPTIONS // SPREAD * 3:
                raise RuntimeError(f"only {count} notices were planned")
            peer.append(took)
            made.stop()
    report.add(f"forecast of {DAYS} days, {SUBSCRIPTIONS:,} subscriptions", min(ours), min(peer), "planning one of its days", 3.0,
               "s", note="rounds " + " ".join(f"{o / p:.2f}" for o, p in zip(ours, peer)))
    report.add("the same, processor", min(o for o, _ in spent), min(p for _, p in spent), "planning one of its days", None, "s",
               note="for information: planning waits for the disk, a forecast does not")
    report.add("memory of that forecast", statistics.median(memory) / 1024, 48.0, "the limit", 1.0, "MB")
