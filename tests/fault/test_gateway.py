"""A gateway that misbehaves: what became of each notice is shown, and none leaves twice (spec §5.4, contract §4)."""
import http.server
import json
import signal
import threading

import pytest

from house import text_of, wait_until

DAY = "2025-09-08T10:00:00-05:00"
ANA, BEA = "+593981000001", "+593981000002"


@pytest.fixture
def day(village):
    """Ana and Bea end today; nothing has left yet."""
    return open_day(*village.pair({"outbox.slots": "1", "whatsapp.timeout_s": "2", "whatsapp.check_after_s": "1"},
                                  "--delivered-ms", "-1", "--read-ms", "-1"))


def open_day(house, standin):
    house.serve(now=DAY)
    netflix = house.api.service("Netflix", 1299)
    for name, phone in (("Ana", ANA), ("Bea", BEA)):
        house.api.subscription(house.api.client(name, phone), netflix, "2025-09-08", starts_on="2025-08-09")
    return house, standin


def message(house, phone):
    """The one message to that number; two would be a finding."""
    found = house.messages(address=phone)
    assert len(found) == 1, found
    return found[0]


def shown(house, row):
    """What the panel says about it, in the list and on its page."""
    panel = house.panel()
    return text_of(panel.page("/outbox")), text_of(panel.page("/outbox/" + row["id"]))


# --- one message --------------------------------------------------------------------------------------------

UNCLEAR = {
    "408": "read and never answered",
    "492": "a page instead of JSON",
    "498": "cut half-way through the answer",
    "499": "cut after the request was read",
    "500": "500 after the request was read",
    "502": "502 with the page of a proxy",
    "504": "504 with the page of a proxy",
    "513": "503 that does not say when to come back",
}


@pytest.mark.parametrize("code", UNCLEAR, ids=lambda code: code + " " + UNCLEAR[code].replace(" ", "-"))
def test_what_cannot_be_known_is_unsure_and_never_tried_again(day, code):
    house, standin = day
    standin.set(magic={ANA: code})
    report = house.run_today(code=3)
    assert {r["days"]: (r["sent"], r["unsure"]) for r in report["results"]}[0] == (1, 1)
    standin.set(magic={ANA: None})
    house.run_today()
    house.stop()
    house.serve(now="2025-09-08T11:00:00-05:00")
    house.run_today()
    assert len(standin.received(ANA)) == 1 and len(standin.received(BEA)) == 1
    row = message(house, ANA)
    assert (row["state"], row["attempts"]) == ("unsure", 1)
    in_list, on_page = shown(house, row)
    assert "Sin certeza" in in_list and "Sin certeza" in on_page


class CutsTheSecond(http.server.BaseHTTPRequestHandler):
    """Answers the first request of a line properly, reads the second one to its end and cuts."""
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        self.answer({"status": "connected"})

    def answer(self, values):
        body = json.dumps(values).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.on_line = getattr(self, "on_line", 0) + 1
        self.server.seen.append((body["to"], self.client_address[1]))
        if self.on_line == 2:
            self.close_connection = True
            self.connection.shutdown(2)
            return
        self.answer({"success": True, "data": {"msgId": 10000000 + len(self.server.seen), "jid": body["to"],
                                               "status": "in_progress"}})

    def log_message(self, *_):
        pass


def test_a_reused_line_cut_after_the_body_was_read_saw_the_body_once(village):
    gateway = http.server.ThreadingHTTPServer(("127.0.0.1", 0), CutsTheSecond)
    gateway.daemon_threads, gateway.seen = True, []
    threading.Thread(target=gateway.serve_forever, daemon=True).start()
    try:
        house = village.house({"outbox.slots": "1", "whatsapp.check_after_s": "3600",
                               "whatsapp.base_url": f"http://127.0.0.1:{gateway.server_port}"})
        open_day(house, None)
        house.run("renewals", "run", "--wait", code=3)
        assert [to for to, _ in gateway.seen] == [ANA, BEA]
        assert gateway.seen[0][1] == gateway.seen[1][1], "the line was not reused: this run proved nothing"
        assert message(house, ANA)["state"] == "sent" and message(house, BEA)["state"] == "unsure"
        house.run("renewals", "run", "--wait")
        assert len(gateway.seen) == 2
    finally:
        gateway.shutdown()
        gateway.server_close()


@pytest.mark.parametrize("code", ["422", "423"])
def test_a_refused_number_fails_and_gets_no_more_notices(day, code):
    house, standin = day
    standin.set(magic={ANA: code})
    house.run_today(code=3)
    row = message(house, ANA)
    assert (row["state"], row["is_late_failure"]) == ("failed", False) and row["error"] != ""
    assert "Fallido" in shown(house, row)[0]
    ana, = [s for s in house.api.all("subscriptions") if s["title"].startswith("Ana")]
    house.run("renewals", "renew", ana["id"], "--no-confirmation")
    house.stop()
    house.serve(now="2025-10-01T10:00:00-05:00")        # seven days before the new end
    report = house.run_today()
    assert {r["days"]: (r["found"], r["skipped"]) for r in report["results"]}[7] == (1, 1)
    assert len(standin.received(ANA)) == 1
    skipped, = house.notices(state="skipped")
    assert skipped["skip_reason"] == "no_whatsapp"


@pytest.mark.parametrize("code", ["490", "493"], ids=["by messages.update", "by message.sent"])
def test_accepted_and_failed_afterwards_is_failed_and_shown_as_late(day, code):
    house, standin = day
    standin.set(magic={ANA: code}, delivered_ms=1500)
    house.run("renewals", "run")
    row = wait_until(lambda: [m for m in house.messages(address=ANA) if m["state"] == "failed"], "the failure")[0]
    assert row["is_late_failure"] is True and row["sent_at"] and row["failed_at"]
    in_list, on_page = shown(house, row)
    assert "Fallido después" in in_list and "Fallido después" in on_page
    assert len(standin.received(ANA)) == 1


def test_a_busy_gateway_that_says_when_is_asked_again_then(day):
    house, standin = day
    house.stop()
    house.set("outbox.retry_minutes", "0")              # else it waits five minutes at least
    house.serve(now=DAY)
    standin.set(magic={ANA: "503"})
    house.run_today()
    assert [r["outcome"] for r in standin.received(ANA)] == ["refused", "accepted"]
    row = message(house, ANA)
    assert (row["state"], row["retry_count"]) == ("sent", 1)


def test_accepted_without_a_number_counts_as_sent(day):
    house, standin = day
    standin.set(magic={ANA: "491"})
    assert house.run_today()["total_sent"] == 2
    assert message(house, ANA)["state"] == "sent"


def test_an_unsure_message_is_a_persons_to_decide(day):
    house, standin = day
    standin.set(magic={ANA: "500", BEA: "500"})
    house.run_today(code=3)
    standin.set(magic={ANA: None, BEA: None})
    panel = house.panel()
    ana, bea = message(house, ANA), message(house, BEA)
    panel.post(f"/outbox/{ana['id']}/arrived", confirmed="1")
    panel.post(f"/outbox/{bea['id']}/again", confirmed="1")
    assert message(house, ANA)["state"] == "sent"
    wait_until(lambda: len(standin.received(BEA)) == 2, "the second one")
    wait_until(lambda: len(house.messages(state="sent")) == 2, "both sent")
    assert len(standin.received(ANA)) == 1
    assert sorted(m["state"] for m in house.messages(address=BEA)) == ["cancelled", "sent"] or \
        [m["replaces_id"] for m in house.messages(address=BEA, state="sent")] == [bea["id"]]


# --- the whole channel ----------------------------------------------------------------------------------------

def gateway(house):
    return house.api.get("gateway")


def all_leave_once(house, standin):
    wait_until(lambda: len(house.messages(state="sent")) == 2, "both notices")
    assert sorted(r["to"] for r in standin.accepted()) == [ANA, BEA]


@pytest.mark.parametrize("code, why, words", [
    ("401", "unauthorized", "rechaza la API key"), ("402", "payment", "pide un pago"), ("403", "payment", "pide un pago"),
    ("404", "not_found", "dirección")])
def test_a_refused_key_or_bill_stops_the_channel_and_everything_is_held(day, code, why, words):
    house, standin = day
    standin.set(magic={ANA: code, BEA: code})
    house.run_today(code=1)
    assert (gateway(house)["state"], gateway(house)["why"]) == ("stopped", why)
    assert len(standin.received()) == 1                  # the first one told enough
    assert {m["state"] for m in house.messages()} == {"queued"} and len(house.messages()) == 2
    panel = house.panel()
    assert words in text_of(panel.page("/gateway")) and words in text_of(panel.page("/"))    # the alert is everywhere
    standin.set(magic={ANA: None, BEA: None})
    panel.post("/gateway/open")
    all_leave_once(house, standin)
    assert words not in text_of(panel.page("/"))


def test_the_right_key_after_a_wrong_one_lets_the_held_messages_leave_once(day):
    house, standin = day
    standin.set(api_key="the-new-key")
    house.run_today(code=1)
    assert gateway(house)["why"] == "unauthorized"
    house.set("whatsapp.api_key", "the-new-key")
    house.server.send_signal(signal.SIGHUP)
    wait_until(lambda: "settings.reloaded" in house.log(), "the new settings")
    if gateway(house)["state"] == "stopped":
        house.panel().post("/gateway/open")
    all_leave_once(house, standin)


def test_a_gateway_that_misses_the_key_is_no_fault_of_the_message(village):
    """The contract's other 401 text; the key left out by a proxy, say."""
    seen = []

    class NoKey(CutsTheSecond):
        def do_POST(self):
            seen.append(self.rfile.read(int(self.headers["Content-Length"])))
            body = b'{"success":false,"message":"API key is required"}'
            self.send_response(401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), NoKey)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        house = village.house({"outbox.slots": "1", "whatsapp.base_url": f"http://127.0.0.1:{server.server_port}"})
        open_day(house, None)
        house.run_today(code=1)
        assert gateway(house)["why"] == "unauthorized" and len(seen) == 1
        assert {m["state"] for m in house.messages()} == {"queued"}
    finally:
        server.shutdown()
        server.server_close()


def test_without_a_key_nothing_is_tried_and_the_panel_says_what_to_do(village):
    house = village.house({"whatsapp.api_key": "", "outbox.window_from": "00:00", "outbox.window_to": "00:00"},
                          offline=False)
    house.serve()
    panel = house.panel()
    assert gateway(house)["why"] == "no_key"
    for path in ("/gateway", "/"):
        assert "API key no configurada" in text_of(panel.page(path))
    done = house.call("renewals", "gateway", "test")
    assert done.returncode != 0 and "API key no configurada" in done.stdout + done.stderr
    assert "recado config set whatsapp.api_key" in house.call("check").stdout


def test_a_phone_that_is_not_connected_holds_everything_and_fails_nothing(day):
    house, standin = day
    standin.set(magic={ANA: "424"})
    house.run("renewals", "run")
    wait_until(lambda: gateway(house)["state"] == "waiting", "the pause")
    assert gateway(house)["why"] == "disconnected"
    assert {m["state"] for m in house.messages()} == {"queued"}
    assert "no está conectado" in text_of(house.panel().page("/gateway"))
    standin.set(magic={ANA: None})
    standin.set(status="DISCONNECTED")
    standin.set(status="CONNECTED")                      # the event tells it at once
    all_leave_once(house, standin)
    assert [(m["retry_count"], m["state"]) for m in house.messages()] == [(0, "sent")] * 2


@pytest.mark.parametrize("status", ["need_scan", "NEED_PASSKEY", "logged_out", "expired"])
def test_a_phone_that_must_be_linked_again_raises_an_alert_at_once(day, status):
    house, standin = day
    standin.set(status=status)
    wait_until(lambda: gateway(house)["session"] == status.lower(), "the event")
    house.run("renewals", "run")
    panel = house.panel()
    words = wait_until(lambda: gateway(house)["why_text"], "why")
    wait_until(lambda: words in text_of(panel.page("/")), "the alert")
    assert standin.received() == []
    standin.set(status="connected")
    wait_until(lambda: gateway(house)["session"] == "connected", "the phone")
    if gateway(house)["state"] == "stopped":
        panel.post("/gateway/open")
    all_leave_once(house, standin)


def test_a_gateway_that_is_not_there_is_asked_again_and_nothing_is_unsure(village):
    house, standin = village.pair({"outbox.retry_minutes": "0"})
    standin.close()
    house.standin = None
    open_day(house, None)
    house.run("renewals", "run")
    wait_until(lambda: gateway(house)["why"] == "unreachable", "the pause")
    assert {m["state"] for m in house.messages()} == {"queued"}


def test_the_card_shows_how_many_messages_are_left_today(day):
    house, standin = day
    standin.set(daily_remaining=4)
    house.run_today()
    wait_until(lambda: gateway(house)["messages_left"] == 2, "the figures")
