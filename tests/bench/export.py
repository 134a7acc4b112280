"""What an export costs: the same cells by a bare loop over libxlsxwriter, the same question in the sqlite3 shell.

Processor time counts on both sides, so that a busy disk does not; what somebody waits for is noted beside.
"""
import datetime
import http.client
import resource
import statistics
import subprocess
import threading
import time

import data

ROWS = 300_000
COLUMNS = ("client_id service_id status starts_on ends_on days_left price_cents payment_status payment_method payment_at"
           " payment_reference auto_notices notes period_days expired_at cancelled_at cancel_reason last_manual_at"
           " created_at created_by").split()
TYPES = "t" + "ttt" + "dd" + "nn" + "tt" + "i" + "ttt" + "n" + "ii" + "t" + "ii" + "t"
OTHERS = 4                      # people at the panel while somebody exports
FILL = ("UPDATE subscription SET payment_at = created_at, payment_reference = printf('TR-%08d', id), period_days = 30,"
        " notes = CASE id % 3 WHEN 0 THEN 'Paga los lunes; llamar antes de las 10, \"no\" insistir' ELSE '' END,"
        " last_manual_at = created_at + 86400000, created_by = 'ana'")
QUESTION = """
SELECT t.public_id, CASE WHEN c.surnames = '' THEN c.given_names ELSE c.surnames || ', ' || c.given_names END, v.display_name,
 CASE WHEN t.state <> 'active' THEN t.state WHEN t.cancel_at_end = 1 THEN 'ending' WHEN t.ends_on = '{today}' THEN 'today'
 WHEN t.ends_on <= date('{today}', '+3 days') THEN 'near' WHEN t.ends_on <= date('{today}', '+7 days') THEN 'soon'
 ELSE 'active' END, t.starts_on, t.ends_on, CAST(julianday(t.ends_on) - julianday('{today}') AS INTEGER), t.price_cents,
 t.payment_status, t.payment_method, t.payment_at, t.payment_reference, t.auto_notices, t.notes, t.period_days,
 t.expired_at, t.cancelled_at, t.cancel_reason, t.last_manual_at, t.created_at, t.created_by
 FROM subscription t CROSS JOIN client c ON c.id = t.client_id CROSS JOIN service v ON v.id = t.service_id
 WHERE t.archived_at IS NULL AND t.generation NOT IN (SELECT id FROM pending_generation) ORDER BY t.ends_on, t.id;
"""


def fetch(bench, made, panel, kind, to=None):
    """Processor seconds of the appliance, seconds until the last byte, bytes."""
    host, port = made.address.split("//")[1].split(":")
    line = http.client.HTTPConnection(host, int(port), timeout=bench.PATIENCE)
    spent, began = bench.cpu_s(made.server.pid), time.monotonic()
    line.request("GET", f"/subscriptions.{kind}?columns=" + ",".join(COLUMNS),
                 headers={"Cookie": "; ".join(f"{k}={v}" for k, v in panel.cookies.items())})
    answer = line.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{kind}: {answer.status} {body[:300]}")
    if to:
        to.write_bytes(body)
    return bench.cpu_s(made.server.pid) - spent, time.monotonic() - began, len(body)


def shell_csv(shell, made, question, to):
    """Processor seconds of the sqlite3 shell for the same rows."""
    before = sum(subprocess_times())
    subprocess.run([shell, "-readonly", "-csv", str(made.state / "recado.db")], input=question, text=True,
                   stdout=to.open("w"), check=True)
    return sum(subprocess_times()) - before


def subprocess_times():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime, used.ru_stime


def others_meanwhile(bench, report, build, made, panel):
    quiet, busy = [], []
    for _ in range(3):
        quiet.append(bench.load(build, made, panel, "/clients", OTHERS, 2)["p99_us"])
        export = threading.Thread(target=fetch, args=(bench, made, panel, "xlsx"))
        export.start()
        time.sleep(0.2)
        busy.append(bench.load(build, made, panel, "/clients", OTHERS, 2)["p99_us"])
        export.join()
    report.add(f"/clients, {OTHERS} others, p99 while one exports", statistics.median(busy) / 1000,
               statistics.median(quiet) / 1000, "its own when quiet", 3.0, "ms")


def exports(report, build, bench, rounds=3):
    today = datetime.date.today()
    shell = bench.sqlite_shell(build)
    with bench.Place() as village:
        made = bench.filled(village, 100_000, ROWS, 1000, today)
        with data.Filling(str(made.state / "recado.db"), ["subscription"]) as db:
            db.execute(FILL)
        made.serve()
        panel = made.panel()
        panel.page("/")
        idle = bench.memory_kb(made.server.pid, "VmRSS")
        csv, peer_csv = made.folder / "ours.csv", made.folder / "shell.csv"
        ours = {"xlsx": [], "csv": []}
        bare, asked = [], []
        for _ in range(rounds):
            ours["xlsx"].append(fetch(bench, made, panel, "xlsx"))
            ours["csv"].append(fetch(bench, made, panel, "csv", csv))
            bare.append(bench.run_json(build / "bench" / "sheet", csv, TYPES, made.folder))
            asked.append(shell_csv(shell, made, QUESTION.format(today=today.isoformat()), peer_csv))
        high = bench.memory_kb(made.server.pid, "VmHWM")
        lines = [sum(1 for _ in open(path, "rb")) for path in (csv, peer_csv)]
        if lines != [ROWS + 1, ROWS]:
            raise RuntimeError(f"not the same rows: {lines}")
        best = {kind: min(t) for kind, t in ours.items()}
        report.add(f"{ROWS:,} x {len(TYPES)} cells to Excel, processor", best["xlsx"][0], min(b["cpu_s"] for b in bare),
                   "a bare libxlsxwriter loop", 1.3, "s",
                   note=f"{min(t[1] for t in ours['xlsx']):.1f} s until the last byte, the loop "
                   f"{min(b['seconds'] for b in bare):.1f} s")
        report.add(f"{ROWS:,} x {len(TYPES)} cells to CSV, processor", best["csv"][0], min(asked), "the sqlite3 shell's -csv",
                   2.0, "s", note=f"{min(t[1] for t in ours['csv']):.1f} s until the last byte")
        report.add("memory over idle after exports", (high - idle) / 1024, 32.0, "the limit", 1.0, "MB")
        others_meanwhile(bench, report, build, made, panel)
