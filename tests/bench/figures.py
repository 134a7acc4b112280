"""Ver reporte of a send to 250,000 people, against bare SQL: the same figures by one GROUP BY over what was matched, and
the page's own statements, both by Python's sqlite3 on an open connection. The page has its session, template, pictures
and HTTP to do beside them.
"""
import http.client
import sqlite3
import time
import urllib.parse

ROWS, DOMAINS = 250_000, 200
SEND = "enviodeprueba2345672345672"
COUNTED = ("count(*), sum(delivery_status = 'Sent'), sum(delivery_status = 'Rejected' OR delivery_status = 'Invalid'),"
           " sum(bounce_type = 'hard'), sum(bounce_type = 'soft'), sum(delivery_status = 'Dropped'),"
           " sum(delivery_status = 'Queued' OR delivery_status = 'Retrying'), sum(opens), sum(opens > 0), sum(clicks),"
           " sum(clicks > 0)")
GROUPED = f"SELECT domain, {COUNTED} FROM bulk_result WHERE bulk_id = 1 GROUP BY domain"
OWN = ["SELECT id FROM bulk_send WHERE public_id = '" + SEND + "' AND archived_at IS NULL",
       "SELECT s.*, sum(f.found), sum(f.sent), sum(f.bounced), sum(f.opens), sum(f.openers), sum(f.clicks), sum(f.clickers)"
       " FROM bulk_send s LEFT JOIN bulk_figure f ON f.bulk_id = s.id WHERE s.id = 1 GROUP BY s.id",
       "SELECT domain, found, sent, bounced, opens, openers, clicks, clickers FROM bulk_figure WHERE bulk_id = 1"
       " ORDER BY opens DESC, found DESC, domain LIMIT 20",
       "SELECT count(*) FROM message WHERE batch_id = 1",
       "SELECT count(*) FROM message WHERE batch_id = 1 AND state = 'queued'",
       "SELECT count(*) FROM message WHERE state = 'sending' AND +batch_id = 1",
       "SELECT count(*) FROM message WHERE batch_id = 1 AND state = 'failed'",
       "SELECT count(*) FROM message WHERE batch_id = 1 AND state = 'unsure'",
       "SELECT count(*) FROM message WHERE state = 'cancelled' AND +batch_id = 1",
       "SELECT count(*) FROM message WHERE state = 'skipped' AND +batch_id = 1",
       "SELECT count(*) FROM message WHERE state = 'expired' AND +batch_id = 1",
       "SELECT count(*) FROM message WHERE replaces_id > 0 AND +batch_id = 1",
       "SELECT min(due_at) FROM bulk_report_pass WHERE bulk_id = 1 AND done_at IS NULL",
       "SELECT id, start_on FROM generated_report WHERE type = 'deliveries' AND state = 'READY' AND start_on = '2026-11-20'"]


def fill(made):
    """A send that is done and whose report was matched, as the appliance would have left it."""
    made.api.token             # the database is there
    line = sqlite3.connect(made.state / "recado.db")
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})"
    with line:
        line.execute("INSERT INTO batch (id, public_id, kind, created_at, planned_at) VALUES (1, 'b', 'bulk_send', 1, 1)")
        line.execute("INSERT INTO channel_account (id, kind, name, created_at) VALUES (9, 'doppler', 'doppler', 1)")
        line.execute("INSERT INTO bulk_send (id, public_id, channel, template_id, template_name, subject, status, batch_id,"
                     " import_version, import_status, imported_rows, valid_rows, sent_started_at, sent_finished_at,"
                     " post_reports_status, post_reports_loaded_at, created_at, updated_at, search) VALUES (1, ?, 'doppler', 't',"
                     " 'Saldo', 'Tu saldo', 'done', 1, 1, 'ready', ?, ?, 1795000000000, 1795001000000, 'done', 1795005000000, 1, 1,"
                     " 'saldo')", (SEND, ROWS, ROWS))
        line.execute(f"{numbers} INSERT INTO contact (kind, address, public_id, created_at) SELECT 'email', 'c' || i ||"
                     f" '@d' || (i % {DOMAINS}) || '.ec', 'c' || i, 1 FROM n")
        line.execute(f"{numbers} INSERT INTO bulk_recipient (id, bulk_id, import_version, row_number, recipient)"
                     f" SELECT i, 1, 1, i, 'c' || i || '@d' || (i % {DOMAINS}) || '.ec' FROM n")
        line.execute("INSERT INTO message (public_id, batch_id, channel_account_id, contact_id, topic, occasion, state,"
                     " not_before_at, expires_at, sent_at, created_at) SELECT 'm' || id, 1, 9, id, 'campaign',"
                     " 'bulk_recipient:' || id, CASE WHEN id % 50 = 0 THEN 'failed' ELSE 'delivered' END, 1, 2, 1, 1 FROM contact")
        line.execute(f"{numbers} INSERT INTO bulk_result (bulk_id, recipient_id, delivery_status, opens, clicks, domain, matched_at)"
                     f" SELECT 1, i, CASE WHEN i % 50 = 0 THEN 'Rejected' ELSE 'Sent' END, i % 3 = 0, i % 9 = 0, 'd' ||"
                     f" (i % {DOMAINS}) || '.ec', 1 FROM n")
        line.execute("INSERT INTO bulk_figure (bulk_id, domain, found, sent, bounced, hard, soft, dropped, waiting, opens, openers,"
                     f" clicks, clickers) SELECT 1, domain, {COUNTED} FROM bulk_result WHERE bulk_id = 1 GROUP BY domain")
    line.close()


def best_ms(run, times):
    took = []
    for _ in range(times):
        began = time.monotonic()
        run()
        took.append((time.monotonic() - began) * 1000)
    return min(took)


def measure(report, build, bench, times=15):
    with bench.Place() as village:
        made = village.house()
        fill(made)
        made.serve()
        where = urllib.parse.urlsplit(made.address)
        wire = http.client.HTTPConnection(where.hostname, where.port, timeout=60)
        token = {"Authorization": "Bearer " + made.api.token}

        def page():
            wire.request("GET", f"/sends/{SEND}/report", headers=token)
            reply = wire.getresponse()
            body = reply.read()
            if reply.status != 200 or b"<svg" not in body or b"d1.ec" not in body and b"d0.ec" not in body:
                raise RuntimeError(f"the page is {reply.status}: {body[:200]}")

        line = sqlite3.connect(f"file:{made.state / 'recado.db'}?mode=ro", uri=True)
        ours = best_ms(page, times)
        grouped = best_ms(lambda: line.execute(GROUPED).fetchall(), times)
        own = best_ms(lambda: [line.execute(sql).fetchall() for sql in OWN], times)
        line.close()
        wire.close()
    report.add("Ver reporte of 250,000 recipients", ours, grouped, "the same figures by one GROUP BY", 3.0, "ms")
    report.add("Ver reporte beside its own statements", ours, own, "the page's statements alone", 3.0, "ms")
