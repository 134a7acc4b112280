"""Several channels in one outbox: each goes its own way, all stop at one word, none sends more than it may."""
import http.server
import json
import sqlite3
import threading

import pytest

from house import text_of, wait_until

MORNING, NEXT_DAY = "2025-09-08T09:00:00-05:00", "2025-09-09T09:00:00-05:00"
MORNING_MS = 1757340000000


class Hook:
    """A Slack webhook on loopback: what it was told, and what it says to that."""

    def __init__(self):
        hook = self
        self.texts, self.answer, self.is_mute = [], (200, "ok"), threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                hook.texts.append(body["text"])
                if hook.is_mute.is_set():
                    threading.Event().wait(30)
                status, text = hook.answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}/services/T0/B0/secret"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hook():
    made = Hook()
    yield made
    made.close()


@pytest.fixture
def shop(village, hook):
    """Three customers whose day it is, and a chat of the owner; nothing is planned yet."""
    house, standin = village.pair({"slack.webhook_url": hook.address}, "--delivered-ms", "-1", "--read-ms", "-1")
    house.serve(now=MORNING)
    netflix = house.api.service("Netflix", 1299)
    for i in range(3):
        house.api.subscription(house.api.client(f"Cliente {i}", f"+59398700000{i}"), netflix, "2025-09-08",
                               starts_on="2025-08-09")
    house.run("outbox", "resume", "slack")      # its account is there from now on
    house.stop()
    return house, standin


def tell(house, *texts, channel="slack", kind="chat", address="slack"):
    """Words to the owner, written as a room would; the server is stopped."""
    with sqlite3.connect(house.state / "recado.db") as db:
        batch = db.execute("INSERT INTO batch (public_id, kind, created_at) VALUES (lower(hex(randomblob(13))), 'test', ?)",
                           (MORNING_MS,)).lastrowid
        db.execute("INSERT OR IGNORE INTO contact (kind, address, public_id, created_at) VALUES (?, ?, lower(hex(randomblob(13))), 1)",
                   (kind, address))
        for i, text in enumerate(texts):
            db.execute("INSERT INTO message (public_id, batch_id, channel_account_id, contact_id, topic, occasion, body,"
                       " not_before_at, expires_at, created_at) SELECT lower(hex(randomblob(13))), ?, a.id, c.id, 'service',"
                       " 'test:' || lower(hex(randomblob(13))), ?, ?, ?, ? FROM channel_account a, contact c"
                       " WHERE a.name = ? AND c.kind = ? AND c.address = ?",
                       (batch, text, MORNING_MS, MORNING_MS + 30 * 86400000, MORNING_MS, channel, kind, address))
    db.close()


def channels(house):
    told = house.run("outbox", "channels", json_out=True)
    return told, {c["name"]: c for c in told["channels"]}


def states(house):
    return dict(house.sql("SELECT state, count(*) FROM message GROUP BY state"))


def plan(house):
    """The day's notices are in the ledger, whether they can leave or not."""
    house.call("renewals", "run")


def test_a_hook_that_is_gone_stops_slack_and_the_customers_are_told(shop, hook):
    house, standin = shop
    hook.answer = 404, "no_service"
    tell(house, "el disco se llena")
    house.serve(now=MORNING)
    house.run_today()
    wait_until(lambda: channels(house)[1]["slack"]["state"] == "stopped", "Slack is stopped")
    assert len(standin.received()) == 3
    _, told = channels(house)
    assert (told["whatsapp"]["state"], told["whatsapp"]["sent_today"], told["whatsapp"]["queued"]) == ("open", 3, 0)
    assert (told["slack"]["why"], told["slack"]["queued"], len(hook.texts)) == ("not_found", 1, 1)
    assert told["email"]["state"] == "open" and told["email"]["queued"] == 0
    shown = house.run("outbox", "channels", lang="es").lower()
    assert "whatsapp     abierto" in shown and "slack        detenido" in shown, shown
    # Somebody made a new one: the same word arrives, once.
    hook.answer = 200, "ok"
    house.run("outbox", "resume", "slack")
    wait_until(lambda: states(house) == {"sent": 4}, "the rest")
    assert hook.texts == ["el disco se llena"] * 2      # refused once, taken once


def test_at_one_word_nothing_leaves_and_at_another_everything(shop, hook):
    house, standin = shop
    tell(house, "copia hecha")
    house.run("outbox", "stop-all", "--reason", "precios equivocados")      # nobody serves: the command itself does it
    house.serve(now=MORNING)
    plan(house)
    told, _ = channels(house)
    assert told["is_halted"] and told["halted"]["why"] == "precios equivocados" and told["halted"]["by"] == "command"
    # The owner hears of it, and nothing else leaves, not even on the same road.
    wait_until(lambda: states(house) == {"queued": 4, "sent": 1}, "the alert")
    assert len(hook.texts) == 1 and hook.texts[0].startswith("Urgente: Todo está detenido"), hook.texts
    assert "Todo está detenido" in text_of(house.panel().page("/"))
    house.run("outbox", "pause", "slack", "--reason", "vacaciones")
    house.run("outbox", "resume-all")
    wait_until(lambda: len(standin.received()) == 3, "the customers are told")
    told, by_name = channels(house)
    assert not told["is_halted"] and told["halted"] == {}
    assert (by_name["slack"]["state"], by_name["slack"]["why"], by_name["slack"]["detail"]) == ("stopped", "person",
                                                                                              "vacaciones")
    assert len(hook.texts) == 1
    house.run("outbox", "resume", "slack")
    wait_until(lambda: "copia hecha" in hook.texts, "the owner, too")
    assert house.call("outbox", "pause", "fax").returncode != 0
    assert house.call("outbox", "pause").returncode != 0
    done = [a for a, in house.sql("SELECT action FROM audit WHERE table_name IN ('outbox', 'channel_account') ORDER BY id")]
    assert done == ["open", "stop_all", "stop", "resume_all", "open"]


def test_what_may_leave_in_a_day_leaves_and_the_rest_the_next_morning(shop):
    house, standin = shop
    house.set("whatsapp.per_day", "2")
    house.serve(now=MORNING)
    plan(house)
    wait_until(lambda: channels(house)[1]["whatsapp"]["why"] == "day_cap", "the day is full")
    told = channels(house)[1]["whatsapp"]
    assert (told["used_day"], told["per_day"], told["queued"], told["until_at"]) == (2, 2, 1, "2025-09-09T05:00:00.000Z")
    house.stop()
    house.serve(now=MORNING)            # a new start forgets nothing
    house.run("outbox", "channels")
    assert len(standin.received()) == 2
    house.stop()
    # Its own expiry is that day; so give it another one before looking at the next morning.
    with sqlite3.connect(house.state / "recado.db") as db:
        db.execute("UPDATE message SET expires_at = expires_at + 86400000 WHERE state = 'queued'")
    db.close()
    house.serve(now=NEXT_DAY)
    wait_until(lambda: len(standin.received()) == 3, "the rest")
    wait_until(lambda: channels(house)[1]["whatsapp"]["used_day"] == 1, "it is counted")
    assert standin.counts()["duplicates"] == 0


def test_a_power_cut_leaves_one_unsure_on_each_chat_and_nothing_is_told_twice(shop, hook):
    house, _ = shop
    hook.is_mute.set()
    tell(house, "uno", "dos", "tres")
    house.serve(now=MORNING)
    wait_until(lambda: len(hook.texts) == 1, "the first is on its way")
    house.kill()
    hook.is_mute.clear()
    house.serve(now=MORNING)
    wait_until(lambda: states(house) == {"unsure": 1, "sent": 2}, "the others")
    assert hook.texts == ["uno", "dos", "tres"]
    assert channels(house)[1]["slack"]["unsure"] == 1


def test_a_mail_server_nobody_set_up_is_no_trouble_until_a_mail_waits(village, hook):
    house = village.house({"slack.webhook_url": hook.address}, offline=False)
    house.serve()
    _, told = channels(house)
    assert not told["email"]["is_configured"] and told["email"]["state"] == "open" and told["email"]["why_text"] == ""
    assert not told["telegram"]["is_configured"] and told["slack"]["is_configured"]
    assert house.call("outbox", "test", "email").returncode != 0
    house.run("outbox", "resume", "email")
    house.stop()
    tell(house, "hola", channel="email", kind="email", address="ana@example.com")
    with sqlite3.connect(house.state / "recado.db") as db:
        db.execute("UPDATE message SET expires_at = 9999999999999")
    db.close()
    house.serve()
    wait_until(lambda: channels(house)[1]["email"]["why"] == "no_host", "the mail waits")
    told = channels(house)[1]["email"]
    assert told["state"] == "stopped" and "smtp.host" in told["why_text"] and told["queued"] == 1
    assert house.sql("SELECT count(*) FROM alert WHERE key = 'channel.stopped:email' AND resolved_at IS NULL") == [(1,)]
