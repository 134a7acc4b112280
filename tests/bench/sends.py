"""100,000 recipients of a bulk send: to the provider's stand-in against a bare loop that posts the same bodies and stores
nothing, and over SMTP to Postfix's smtp-sink against its smtp-source.

Ours counts from the first call to the last settled row, feeding included, every step durable; pacing is off.
"""
import contextlib
import json
import shutil
import socket
import sqlite3
import subprocess
import time

ROWS, MAILS = 100_000, 20_000
SLOTS = (32, 64)
ROUNDS = 2
SESSIONS = 16                   # as many lines to one relay as the appliance opens at most (app/link/post.c)
TEMPLATE = "bienvenidabienvenida234567"     # as a public id is written
SINK = shutil.which("smtp-sink", path="/usr/sbin:/usr/bin")
SOURCE = shutil.which("smtp-source", path="/usr/sbin:/usr/bin")


def person(n):
    return f"cliente{n:06}@example.com", f"Ana Lucía {n}", f"{n % 1000}.50"


def csv_of(rows):
    return "email,nombre,Valor\n" + "".join("{},{},{}\n".format(*person(n)) for n in range(rows))


def write_bodies(path, rows):
    """What the appliance posts for each of them."""
    with open(path, "w", encoding="utf-8") as out:
        for n in range(rows):
            to, name, amount = person(n)
            out.write(json.dumps({"from_name": "", "from_email": "avisos@example.com",
                                  "recipients": [{"email": to, "type": "to"}],
                                  "model": {"Valor": amount, "nombre": name}}, ensure_ascii=False,
                                 separators=(",", ":")) + "\n")


def add_template(made):
    """As somebody would have written it in the panel."""
    made.token()                # the database is there
    with sqlite3.connect(made.state / "recado.db") as line:
        line.execute("INSERT INTO mail_template (public_id, name, subject, text, created_at, updated_at)"
                     " VALUES (?, 'Saldo', 'Hola {{nombre}}', 'Hola {{nombre}}: tu saldo es {{Valor}}.', 1, 1)", (TEMPLATE,))
    line.close()


def wait_for(bench, what, made, sql, *values):
    until = time.monotonic() + bench.PATIENCE
    while not (rows := made.sql(sql, *values)):
        if time.monotonic() > until:
            raise RuntimeError(f"{what}: not within {bench.PATIENCE} s")
        time.sleep(0.1)
    return rows[0]


def our_round(bench, made, template, rows, *more):
    """Mails a second from the first call to the last settled row, processor time a mail, memory at its highest."""
    path = made.folder / "personas.csv"
    path.write_text(csv_of(rows), encoding="utf-8")
    made.serve(secret=None)
    try:
        send = made.run("sends", "create", path, "--template", template, "--hold", *more, json_out=True)["id"]
        row = wait_for(bench, "the import", made, "SELECT import_status, id FROM bulk_send WHERE public_id = ?"
                       " AND import_status IN ('ready', 'ready_with_errors', 'error')", send)
        if row[0] != "ready":
            raise RuntimeError(f"the file was not taken in: {row}")
        time.sleep(1)
        before = bench.cpu_s(made.server.pid)
        made.run("sends", "process", send)
        ended = wait_for(bench, "the send", made, "SELECT status, sent_started_at, sent_finished_at, status_why || status_detail"
                         " FROM bulk_send WHERE id = ? AND status IN ('done', 'error', 'paused')", row[1])
        spent, high = bench.cpu_s(made.server.pid) - before, bench.memory_kb(made.server.pid, "VmHWM")
    finally:
        made.stop()
    states = dict(made.sql("SELECT state, count(*) FROM message GROUP BY state"))
    if ended[0] != "done" or states != {"sent": rows}:
        raise RuntimeError(f"not each mail once: {ended} {states}")
    return rows / (ended[2] - ended[1]) * 1000, spent / rows * 1e6, high


def bare_round(bench, build, standin, url, bodies, slots):
    standin.post("/_standin/reset")
    told = bench.run_json(build / "bench" / "curl_multi", url, "key", bodies, ROWS, slots)
    if told["accepted"] != ROWS:
        raise RuntimeError(f"the bare loop's posts were not all accepted: {told}")
    return told["count"] / told["seconds"], told["cpu_s"] / told["count"] * 1e6


def doppler(report, build, bench, slots):
    ours, bare = [], []
    with bench.Place() as village:
        standin = village.standin()
        template = standin.get("/_standin/doppler")["templates"][0]["id"]
        for _ in range(ROUNDS):
            standin.post("/_standin/reset")
            made = village.house({"doppler.base_url": standin.address, "doppler.api_key": "key",
                                  "doppler.account_id": "7", "doppler.from_email": "avisos@example.com",
                                  "sends.pace_ms": "0", "sends.parallel": str(slots), **bench.ANY_HOUR}, standin)
            ours.append(our_round(bench, made, template, ROWS))
            bodies = made.folder / "bodies"
            write_bodies(bodies, ROWS)
            bare.append(bare_round(bench, build, standin,
                                   f"{standin.address}/accounts/7/templates/{template}/message", bodies, slots))
    report.add(f"a bulk send to 100,000, {slots} at a time", max(o[0] for o in ours), max(b[0] for b in bare),
               f"curl_multi, {slots} at a time", 0.70, "/s", is_least=True,
               note="rounds " + " ".join(f"{o[0] / b[0]:.2f}" for o, b in zip(ours, bare)))
    report.add(f"processor time a mail of a bulk send, {slots} at a time", min(o[1] for o in ours), min(b[1] for b in bare),
               "curl_multi", None, "us", note="for information: with the ledger and the feed")
    report.add(f"memory at a bulk send, {slots} at a time", max(o[2] for o in ours) / 1024, 48.0, "the limit", 1.0, "MB")


@contextlib.contextmanager
def sink():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = subprocess.Popen([SINK, "-u", "root", f"127.0.0.1:{port}", "200"], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield port
    finally:
        line.terminate()
        line.wait()


def source_round(port, keeps):
    """Mails a second of smtp-source; it opens a line for each mail unless it is told to keep them."""
    began = time.monotonic()
    subprocess.run([SOURCE, *(["-d"] if keeps else []), "-s", str(SESSIONS), "-m", str(MAILS), "-l", "900", "-f",
                    "avisos@example.com", "-t", "cliente@example.com", f"127.0.0.1:{port}"], check=True, timeout=150)
    return MAILS / (time.monotonic() - began)


def smtp(report, bench):
    ours, peer, kept = [], [], []
    for _ in range(ROUNDS):
        with bench.Place() as village, sink() as port:
            made = village.house({"smtp.host": "127.0.0.1", "smtp.port": str(port), "smtp.security": "none",
                                  "smtp.from": "avisos@example.com", "sends.channel": "email", "sends.pace_ms": "0",
                                  "sends.parallel": str(2 * SESSIONS), **bench.ANY_HOUR}, village.standin())
            add_template(made)
            ours.append(our_round(bench, made, TEMPLATE, MAILS))
            peer.append(source_round(port, False))
            kept.append(source_round(port, True))
    report.add(f"a bulk send to 20,000 over SMTP, {SESSIONS} lines", max(o[0] for o in ours), max(peer),
               f"smtp-source -s {SESSIONS}", 0.60, "/s", is_least=True,
               note="rounds " + " ".join(f"{o[0] / b:.2f}" for o, b in zip(ours, peer)))
    report.add("the same against lines that are kept", max(o[0] for o in ours), max(kept), f"smtp-source -d -s {SESSIONS}",
               None, "/s", is_least=True, note=f"for information; {min(o[1] for o in ours):.0f} us of processor a mail")


def sends(report, build, bench):
    for slots in SLOTS:
        doppler(report, build, bench, slots)
    if SINK and SOURCE:
        smtp(report, bench)
    else:
        print("smtp-sink and smtp-source (package postfix) are not here: the send over SMTP was not measured", flush=True)
