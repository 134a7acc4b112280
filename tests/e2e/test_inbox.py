"""What customers answer: proof first, then BAJA, ALTA, RENOVAR, and the inbox for everything else (spec §9)."""
import json

import pytest

from house import SECRET, request, text_of, wait_until

DAY = "2025-09-08T10:00:00-05:00"
ANA, STRANGER = "+593985000001", "+593985000099"


@pytest.fixture
def shop(village):
    """Ana was told this morning that her plan ends today."""
    house, standin = village.pair({"outbox.slots": "1", "whatsapp.check_after_s": "1"},
                                  "--delivered-ms", "-1", "--read-ms", "-1")
    house.serve(now=DAY)
    netflix = house.api.service("Netflix", 1299)
    house.api.subscription(house.api.client("Ana", ANA), netflix, "2025-09-08", starts_on="2025-08-09")
    house.run_today()
    return house, standin


def post(house, body, path="/webhook/wasender/", headers=None, secret=SECRET):
    full = {"Content-Type": "application/json", **(headers or {})}
    if secret:
        full.setdefault("X-Webhook-Signature", secret)
    data = body if isinstance(body, (bytes, str)) else json.dumps(body)
    return request(house.address, "POST", path, data, full)


def letter(phone, text, key="3EB0TEST1", **more):
    """messages.received as the contract sheet shows it."""
    digits = phone.lstrip("+")
    return {"event": "messages.received", "timestamp": 1757343600, "data": {"messages": {
        "key": {"id": key, "fromMe": False, "remoteJid": digits + "@s.whatsapp.net", "cleanedSenderPn": digits, **more},
        "pushName": "Ana", "messageTimestamp": 1757343600, "messageBody": text, "message": {"conversation": text}}}}


def threads(house):
    return house.api.get("inbox")


def said_to(standin, phone):
    """What left for that number after the notice."""
    return [row["body"] for row in standin.accepted(phone)][1:]


def all_read(house):
    """Every event that was accepted has been worked on."""
    return wait_until(lambda: not [j for j in house.api.all("jobs") if j["state"] in ("queued", "running")], "the jobs")


# --- proof ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("path", ["/webhook/wasender/", "/webhook/wasender", "/webhook/whatsapp/",
                                  "/registros/webhook/whatsapp/", "/subscriptions/webhook/whatsapp/"])
def test_every_address_of_the_webhook_asks_for_the_secret(shop, path):
    house, _ = shop
    assert post(house, letter(ANA, "hola"), path, secret=None).status == 403
    assert post(house, letter(ANA, "hola"), path, secret="wrong").status == 403
    assert post(house, letter(ANA, "hola"), path, secret=SECRET[:-1]).status == 403
    assert post(house, {**letter(ANA, "hola"), "secret": SECRET}, path, secret=None).status == 403
    all_read(house)
    assert ANA not in json.dumps(threads(house)) and "hola" not in json.dumps(threads(house))
    assert post(house, letter(ANA, "hola"), path).status == 200
    wait_until(lambda: "hola" in json.dumps(threads(house)), "the letter")


def test_the_old_header_is_good_too_and_two_kinds_of_proof_are_none(shop):
    house, _ = shop
    assert post(house, letter(ANA, "uno", "A1"), headers={"X-Wasender-Secret": SECRET}, secret=None).status == 200
    both = {"X-Hub-Signature-256": "sha256=00"}
    assert post(house, letter(ANA, "dos", "A2"), "/webhook/whatsapp/", headers=both).status == 403


def test_without_a_secret_in_the_settings_nobody_is_let_in(village):
    house = village.house({"whatsapp.webhook_secret": ""}, offline=False)
    house.serve()
    for secret in (None, "", SECRET):
        assert post(house, letter(ANA, "hola"), secret=secret).status == 403


def test_only_posting_is_possible(shop):
    house, _ = shop
    for method in ("GET", "PUT", "DELETE"):
        reply = request(house.address, method, "/webhook/wasender/", headers={"X-Webhook-Signature": SECRET})
        assert (reply.status, reply.headers["allow"]) == (405, "POST"), method


def test_nonsense_with_the_right_secret_is_refused_and_harms_nothing(shop):
    house, _ = shop
    for body in (b"", b"no", b"[1]", b'"x"', b"{", b'{"event":"\xff"}', b'{"a":' * 3000):
        assert post(house, body).status == 400, body[:20]
    for body in ({}, {"event": 7}, {"event": "messages.received"}, {"event": "messages.received", "data": [None, 3]},
                 {"event": "something.new", "data": {}}, {"event": "messages.update", "data": {"update": {"status": "x"}}}):
        assert post(house, body).status == 200, body
    all_read(house)
    assert house.is_alive() and post(house, letter(ANA, "sigo aquí")).status == 200


def test_a_body_beyond_a_quarter_of_a_megabyte_is_refused(shop):
    house, _ = shop
    assert post(house, json.dumps(letter(ANA, "x")).ljust(262144)).status == 200
    assert post(house, json.dumps(letter(ANA, "x")).ljust(262145)).status == 413
    assert house.is_alive()


# --- words ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("word", ["BAJA", "baja", "  Baja. ", "STOP", "Cancelar avisos", "BAJA por favor"])
def test_baja_ends_the_notices_and_is_confirmed_once(shop, word):
    house, standin = shop
    standin.say(ANA, word)
    wait_until(lambda: said_to(standin, ANA), "the confirmation")
    standin.say(ANA, word)
    all_read(house)
    row, = house.api.all("subscriptions")
    house.run("renewals", "renew", row["id"], "--no-confirmation")
    house.stop()
    house.serve(now="2025-10-01T10:00:00-05:00")
    report = house.run_today()
    assert {r["days"]: (r["found"], r["skipped"]) for r in report["results"]}[7] == (1, 1)
    assert len(said_to(standin, ANA)) == 1 and "ALTA" in said_to(standin, ANA)[0]
    assert [n["skip_reason"] for n in house.notices(state="skipped")] == ["opt_out"]


def test_alta_brings_the_notices_back(shop):
    house, standin = shop
    standin.say(ANA, "baja")
    wait_until(lambda: len(said_to(standin, ANA)) == 1, "the farewell")
    standin.say(ANA, "¡Alta!")
    wait_until(lambda: len(said_to(standin, ANA)) == 2, "the welcome")
    row, = house.api.all("subscriptions")
    house.run("renewals", "renew", row["id"], "--no-confirmation")
    house.stop()
    house.serve(now="2025-10-01T08:30:00-05:00")
    assert house.run_today()["total_sent"] == 1


def test_a_message_that_waits_does_not_leave_after_baja(village):
    house, standin = village.pair({"outbox.slots": "1"}, "--delivered-ms", "-1", "--read-ms", "-1")
    house.serve(now="2025-09-08T07:00:00-05:00")
    house.api.subscription(house.api.client("Ana", ANA), house.api.service(), "2025-09-08", starts_on="2025-08-09")
    house.run("renewals", "run")
    wait_until(lambda: house.messages(state="queued"), "the plan")
    standin.say(ANA, "BAJA")
    wait_until(lambda: standin.accepted(ANA), "the confirmation, at any hour")
    house.run("renewals", "gateway", now="2025-09-08T08:30:00-05:00")
    wait_until(lambda: not house.messages(state="queued"), "the morning")
    assert sorted(m["state"] for m in house.messages()) == ["sent", "skipped"]
    assert len(standin.accepted(ANA)) == 1


@pytest.mark.parametrize("word", ["RENOVAR", "renovar porfa", "Sí", "si", "¡Sí, renovar!"])
def test_renovar_leaves_a_request_for_the_owner_and_one_acknowledgement(shop, word):
    house, standin = shop
    standin.say(ANA, word)
    ends = house.api.all("subscriptions")[0]["ends_on"]
    wait_until(lambda: said_to(standin, ANA), "the acknowledgement")
    asked, = house.api.all("renewal-requests")
    assert asked["title"].startswith("Ana") and asked["state"] == "open"
    assert said_to(standin, ANA) == ["¡Gracias! Recibimos tu pedido de renovación y te escribimos enseguida."]
    assert house.api.all("subscriptions")[0]["ends_on"] == ends     # it never renews by itself
    assert "Ana" in text_of(house.panel().page("/renewal-requests"))


def test_a_yes_long_after_a_notice_is_only_a_letter(shop):
    house, standin = shop
    house.stop()
    house.serve(now="2025-09-19T10:00:00-05:00")
    standin.say(ANA, "si")
    wait_until(lambda: "si" in json.dumps(threads(house)), "the letter")
    all_read(house)
    assert house.api.all("renewal-requests") == [] and said_to(standin, ANA) == []


@pytest.mark.parametrize("text", ["hola, ¿cuánto cuesta?", "baja calidad de imagen", "alta definición", "bajar", "renovarse"])
def test_anything_else_is_unread_until_somebody_reads_it(shop, text):
    house, standin = shop
    standin.say(ANA, text)
    panel = house.panel()
    wait_until(lambda: text in text_of(panel.page("/inbox")), "the letter")
    all_read(house)
    assert said_to(standin, ANA) == [] and house.api.all("renewal-requests") == []
    assert [t["unread"] for t in threads(house)["data"]] == [1]


def test_an_automatic_acknowledgement_leaves_once_a_day(village):
    house, standin = village.pair({"outbox.acknowledge": "Te leemos pronto."}, "--delivered-ms", "-1", "--read-ms", "-1")
    house.serve(now="2025-09-08T23:00:00-05:00")        # at any hour: they have just written
    for text in ("hola", "¿están?", "??"):
        standin.say(STRANGER, text)
    wait_until(lambda: standin.accepted(STRANGER), "the acknowledgement")
    all_read(house)
    assert [r["body"] for r in standin.accepted(STRANGER)] == ["Te leemos pronto."]


def test_a_stranger_is_in_the_inbox_and_does_not_become_a_customer(shop):
    house, standin = shop
    standin.say(STRANGER, "¿qué planes tienen?")
    wait_until(lambda: "planes" in json.dumps(threads(house)), "the letter")
    assert [c["given_names"] for c in house.api.all("clients")] == ["Ana"]


def test_the_same_event_twice_is_one_letter(shop):
    house, _ = shop
    for _ in range(3):
        assert post(house, letter(ANA, "una sola vez")).status == 200
    all_read(house)
    thread, = [t for t in threads(house)["data"] if "una sola vez" in json.dumps(t, ensure_ascii=False)]
    page = house.panel().page("/inbox/" + thread["id"])
    assert text_of(page).count("una sola vez") == 1


def test_a_list_of_letters_in_one_event(shop):
    house, standin = shop
    event = letter(ANA, "primera", "L1")
    event["data"]["messages"] = [event["data"]["messages"], letter(ANA, "segunda", "L2")["data"]["messages"]]
    event["timestamp"] *= 1000                          # milliseconds, as some events have them
    assert post(house, event).status == 200
    thread = wait_until(lambda: [t for t in threads(house)["data"] if "segunda" in json.dumps(t)], "the letters")[0]
    page = text_of(house.panel().page("/inbox/" + thread["id"]))
    assert "primera" in page and "segunda" in page
    standin.say(STRANGER, "tercera", array=True)
    wait_until(lambda: "tercera" in json.dumps(threads(house)), "the list of the stand-in")


def test_a_sender_known_only_by_a_hidden_identity_is_kept_and_never_answered(shop):
    house, standin = shop
    hidden = letter(ANA, "BAJA", "H1")
    hidden["data"]["messages"]["key"] = {"id": "H1", "fromMe": False, "remoteJid": "555000111222@lid",
                                         "senderLid": "555000111222@lid"}
    before = len(standin.received())
    assert post(house, hidden).status == 200
    all_read(house)
    assert "BAJA" in json.dumps(threads(house))
    assert len(standin.received()) == before
    assert not [r for r in standin.received() if "555000111222" in r["to"]]


def test_a_hidden_identity_with_its_number_is_the_customer(shop):
    house, _ = shop
    assert post(house, letter(ANA, "RENOVAR", remoteJid="555000111222@lid", senderLid="555000111222@lid")).status == 200
    wait_until(lambda: house.api.all("renewal-requests"), "the request")


@pytest.mark.parametrize("change", [{"fromMe": True}, {"remoteJid": "120363000000000000@g.us"},
                                    {"remoteJid": "status@broadcast"}], ids=["own", "group", "status"])
def test_own_group_and_status_messages_are_ignored(shop, change):
    house, standin = shop
    assert post(house, letter(ANA, "RENOVAR", **change)).status == 200
    all_read(house)
    assert house.api.all("renewal-requests") == [] and said_to(standin, ANA) == []


def test_flat_letters_of_old_set_ups_are_read(shop):
    house, _ = shop
    assert post(house, {"from": ANA, "text": "RENOVAR", "id": "old-1"}, "/webhook/whatsapp/").status == 200
    wait_until(lambda: house.api.all("renewal-requests"), "the request")


def test_the_key_of_the_session_is_never_stored(shop):
    house, _ = shop
    body = {**letter(ANA, "hola"), "sessionId": "the-secret-key-of-the-session"}
    body["data"]["sessionId"] = "the-secret-key-of-the-session"
    assert post(house, body).status == 200
    all_read(house)
    house.stop()
    for path in house.state.rglob("*"):
        if path.is_file():
            assert b"the-secret-key-of-the-session" not in path.read_bytes(), path
    assert "the-secret-key" not in house.log()


# --- what became of a message ----------------------------------------------------------------------------------

def update(house, key, status, as_list=False):
    one = {"update": {"status": status}, "key": {"remoteJid": "593985000001@s.whatsapp.net", "id": key, "fromMe": True}}
    event = {"event": "messages.update", "timestamp": 1757343600000 + status, "data": [one] if as_list else one}
    assert post(house, event).status == 200
    all_read(house)


def key_of(house):
    """The provider's own key of Ana's message, once it has been asked for: events name nothing else."""
    return wait_until(lambda: house.sql("SELECT provider_key FROM message WHERE provider_key IS NOT NULL"), "the key")[0][0]


def test_delivered_and_read_are_told_and_never_taken_back(shop):
    house, _ = shop
    key = key_of(house)

    def state():
        return house.messages(address=ANA)[0]["state"]

    update(house, key, 3)
    assert state() == "delivered"
    update(house, key, 4, as_list=True)
    assert state() == "read"
    for status in (3, 2, 1, 0):
        update(house, key, status)
        assert state() == "read", status
    row, = house.messages(address=ANA)
    assert row["delivered_at"] and row["read_at"] and not row["is_late_failure"]


def test_the_stand_ins_own_events_arrive(village):
    house, standin = village.pair({"whatsapp.check_after_s": "1"}, "--delivered-ms", "1500", "--read-ms", "1600")
    house.serve(now=DAY)
    house.api.subscription(house.api.client("Ana", ANA), house.api.service(), "2025-09-08", starts_on="2025-08-09")
    house.run_today()
    wait_until(lambda: house.messages(address=ANA)[0]["state"] == "read", "read")
    day, = house.run("renewals", "stats", "--from", "2025-09-08", "--to", "2025-09-08", json_out=True)
    assert (day["sent"], day["delivered"], day["read"], day["success_percent"]) == (1, 1, 1, 100)
