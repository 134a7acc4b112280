"""A send to 250,000 people finds its deliveries in the day's report, against the same matching by one SQL statement.

Ours reads the report once, matches in memory (address, subject, nearest in time, one to one) and writes what it found in
slices that nobody waits for, each row with its message's state. The peer is one INSERT … SELECT with window functions over
the two files, and one UPDATE of the same messages, in one transaction that holds the database until it is over.
"""
import re
import shutil
import sqlite3
import time

import load_report

ROWS, DOMAINS = 250_000, 200
DAY, NEXT = "2026-11-20", "2026-11-21"
BEGAN = 1_795_150_800_000           # local midnight of that day, 05:00 UTC
SUBJECT = "Tu saldo"
# the deliveries first by themselves: so SQLite makes itself an index over their addresses
MATCHED = """WITH d AS MATERIALIZED (SELECT id, email, status, opens, clicks, date_at FROM rep.reports_deliveries_rows
 WHERE subject = 'Tu saldo')
 INSERT INTO bulk_result (bulk_id, recipient_id, delivery_status, opens, clicks, domain, reported_at, matched_at)
 SELECT 1, id, status, opens, clicks, substr(recipient, instr(recipient, '@') + 1), date_at, 1 FROM (SELECT r.id, r.recipient,
 d.status, d.opens, d.clicks, d.date_at, row_number() OVER (PARTITION BY d.id ORDER BY abs(d.date_at - m.sent_at)) AS of_delivery,
 row_number() OVER (PARTITION BY r.id ORDER BY abs(d.date_at - m.sent_at)) AS of_row FROM bulk_recipient r
 CROSS JOIN message m ON m.occasion = 'bulk_recipient:' || r.id CROSS JOIN d ON d.email = r.recipient
 AND d.date_at >= m.sent_at - 300000 WHERE r.bulk_id = 1) WHERE of_delivery = 1 AND of_row = 1"""
TOLD = """UPDATE message SET state = CASE b.delivery_status WHEN 'Sent' THEN 'delivered' ELSE 'failed' END, delivered_at = 1
 FROM bulk_result b WHERE message.occasion = 'bulk_recipient:' || b.recipient_id"""


def at(n):
    return n * 60_000 // ROWS


def report_csv(path):
    with open(path, "w", encoding="utf-8", newline="") as out:
        out.write("Subject,Sender,SenderName,Email,Status,Date,Opens,Clicks\r\n")
        for n in range(ROWS):
            s = at(n)
            out.write(f"{SUBJECT},a@b.example,A,c{n + 1}@d{(n + 1) % DOMAINS}.ec,{'Rejected' if n % 50 == 0 else 'Sent'},"
                      f"{DAY} {5 + s // 3600:02}:{s // 60 % 60:02}:{s % 60:02},{n % 3},0\r\n")


def fill(made):
    made.api.token             # the database is there
    line = sqlite3.connect(made.state / "recado.db")
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})"
    with line:
        line.execute("INSERT INTO batch (id, public_id, kind, created_at, planned_at) VALUES (1, 'b', 'bulk_send', 1, 1)")
        line.execute("INSERT INTO channel_account (id, kind, name, created_at) VALUES (9, 'doppler', 'doppler', 1)")
        line.execute("INSERT INTO bulk_send (id, public_id, channel, template_id, subject, status, batch_id, import_version,"
                     " import_status, imported_rows, valid_rows, sent_started_at, sent_finished_at, post_reports_status, created_at,"
                     " updated_at) VALUES (1, 's', 'doppler', 't', ?, 'done', 1, 1, 'ready', ?, ?, ?, ?, 'pending', 1, 1)",
                     (SUBJECT, ROWS, ROWS, BEGAN, BEGAN + 61_000_000))
        line.execute(f"{numbers} INSERT INTO contact (kind, address, public_id, created_at) SELECT 'email', 'c' || i ||"
                     f" '@d' || (i % {DOMAINS}) || '.ec', 'c' || i, 1 FROM n")
        line.execute(f"{numbers} INSERT INTO bulk_recipient (id, bulk_id, import_version, row_number, recipient)"
                     f" SELECT i, 1, 1, i, 'c' || i || '@d' || (i % {DOMAINS}) || '.ec' FROM n")
        line.execute("INSERT INTO message (public_id, batch_id, channel_account_id, contact_id, topic, occasion, state,"
                     " not_before_at, expires_at, claimed_at, sent_at, created_at) SELECT 'm' || c.id, 1, 9, c.id, 'campaign',"
                     " 'bulk_recipient:' || substr(c.public_id, 2), 'sent', 1, 2, t, t, 1 FROM (SELECT *, ? + (substr(public_id, 2) - 1)"
                     " * 60000 / ? * 1000 AS t FROM contact WHERE public_id LIKE 'c%' AND address LIKE '%.ec') c", (BEGAN, ROWS))
        line.execute("INSERT INTO generated_report (public_id, type, start_on, end_on, state, created_at, updated_at)"
                     " VALUES ('next', 'deliveries', ?, ?, 'READY', 0, 0)", (NEXT, NEXT))
    line.close()


def peer_seconds(made):
    """On copies, as they were before the match."""
    for name in ("recado.db", "reports.db"):
        shutil.copy(made.state / name, made.folder / name)
    line = sqlite3.connect(made.folder / "recado.db", isolation_level=None)
    line.execute("PRAGMA journal_mode=WAL")
    line.execute("PRAGMA synchronous=FULL")
    line.execute("ATTACH ? AS rep", (str(made.folder / "reports.db"),))
    began = time.monotonic()
    line.execute("BEGIN IMMEDIATE")
    line.execute(MATCHED)
    line.execute(TOLD)
    line.execute("COMMIT")
    took = time.monotonic() - began
    (found,), = line.execute("SELECT count(*) FROM bulk_result")
    line.close()
    if found != ROWS:
        raise RuntimeError(f"one statement matched {found} of {ROWS}")
    return took


def our_seconds(made):
    line = sqlite3.connect(made.state / "recado.db")
    with line:
        line.execute("INSERT INTO bulk_report_pass (bulk_id, pass, due_at, began_at, tries) VALUES (1, 10, 1, 1, 1)")
        line.execute("INSERT INTO job (kind, slot, args_json, queue, run_at, created_at) VALUES ('sends.post_report',"
                     " 'post_report:1', '{\"bulk_id\":1}', 'reports', 0, 0)")
    line.close()
    made.serve()
    while not made.sql("SELECT 1 FROM bulk_report_pass WHERE pass = 10 AND done_at IS NOT NULL"):
        time.sleep(0.02)
    made.stop()
    found = re.search(r"report\.match bulk=1 rows=(\d+) matched=(\d+) ms=(\d+)", made.log())
    if found is None or found.groups()[:2] != (str(ROWS), str(ROWS)):
        raise RuntimeError(f"the match says {found and found.group(0)}")
    return int(found.group(3)) / 1000


def measure(report, build, bench, rounds=2):
    ours, peer = [], []
    for _ in range(rounds):
        with bench.Place() as village:
            made = village.house()
            fill(made)
            csv = made.folder / "report.csv"
            report_csv(csv)
            load_report.place(made, csv)
            load_report.our_seconds(bench, made, ROWS)
            peer.append(peer_seconds(made))
            ours.append(our_seconds(made))
    report.add("250,000 rows of a send find their deliveries", min(ours), min(peer), "the same matching by one SQL statement", 3.0,
               "s")
