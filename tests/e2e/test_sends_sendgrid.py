"""Mail over SendGrid: what leaves, what each answer does, and what its signed events tell afterwards."""
import json

import pytest

import mailing
from house import Village, request, text_of, wait_until

PUBLIC = "https://tienda.example"
PEOPLE = [("ana@example.com", "Pérez, Ana; gerente", '{"nombre": "Ana"}'), "bounce@example.com", "blocked@example.com",
          "spam@example.com", "unsubscribe@example.com", "code400@example.com", "code413@example.com",
          "code429@example.com", "code500@example.com", "cut@example.com"]


@pytest.fixture(scope="module")
def sent():
    """A house whose mailing left, with everything told of it."""
    village = Village()
    standin = village.standin()
    key = standin.get("/_standin/sendgrid")["public_key"]
    house = village.house({**mailing.ANY_HOUR, "sendgrid.base_url": standin.address, "sendgrid.api_key": "SG.key",
                           "sendgrid.webhook_key": key, "web.public_url": PUBLIC, "sends.pace_ms": "0"}, standin)
    house.serve()
    house.stop()
    mailing.queue(house, "sendgrid", PEOPLE)
    house.serve()
    standin.post("/_standin/sendgrid", webhook=house.address + "/webhook/sendgrid/", delivered_ms=0)
    wanted = {"ana": "delivered", "bounce": "failed", "blocked": "failed", "code400": "failed", "code413": "failed",
              "code429": "delivered", "code500": "unsure", "cut": "delivered", "spam": "delivered",
              "unsubscribe": "delivered"}

    def is_over():
        now = mailing.states(house)
        return all(now[f"{name}@example.com"][0] == state for name, state in wanted.items())

    wait_until(is_over, "every mail to be told of")
    wait_until(lambda: len(mailing.suppressed(house)) == 3, "who bounced, complained and left")
    yield house, standin
    village.close()


def test_each_mail_is_handed_over_once_and_says_who_it_is_from(sent):
    house, standin = sent
    rows = [row for row in standin.received() if row["provider"] == "sendgrid"]
    taken = [row["to"] for row in rows if row["outcome"] in ("accepted", "cut", "code500")]
    assert sorted(taken) == sorted(set(taken))
    (body,) = [json.loads(row["body"]) for row in rows if row["to"] == "ana@example.com"]
    assert body["subject"] == "Hola Ana" and body["content"][0]["value"] == "Hola Ana, hay novedades."
    assert body["personalizations"][0]["to"] == [{"email": "ana@example.com", "name": "Pérez Ana gerente"}]
    assert body["from"] == {"email": "ventas@tienda.example", "name": "Tienda"}
    assert body["headers"]["List-Unsubscribe"].startswith(f"<{PUBLIC}/u/")
    assert body["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert body["tracking_settings"]["open_tracking"] == {"enable": False}


def test_a_mail_that_was_cut_is_proven_by_its_events_and_a_500_stays_unsure(sent):
    house, _ = sent
    told = house.sql("SELECT a.outcome, a.detail FROM attempt a JOIN message m ON m.id = a.message_id JOIN contact c"
                     " ON c.id = m.contact_id WHERE c.address = 'cut@example.com' ORDER BY a.id")
    assert [row[0] for row in told] == ["unsure", "sent", "delivered"]
    assert mailing.states(house)["code500@example.com"][:2] == ("unsure", "server_error")


def test_a_bounce_says_why_and_a_block_leaves_the_address_alone(sent):
    house, _ = sent
    now = mailing.states(house)
    assert now["bounce@example.com"] == ("failed", "late", "550 5.1.1 No such user")
    assert mailing.suppressed(house) == {"bounce@example.com": "bounce", "spam@example.com": "spam",
                                         "unsubscribe@example.com": "unsubscribed"}


@pytest.mark.parametrize("signature", ["wrong", "missing", "old"])
def test_an_event_that_is_not_signed_right_is_refused_and_not_kept(sent, signature):
    house, standin = sent
    before = house.sql("SELECT count(*) FROM inbound")
    seen = standin.get("/_standin/state")
    standin.post("/_standin/sendgrid/event", signature=signature,
                 events=[{"event": "spamreport", "email": "luis@example.com", "sg_event_id": f"x-{signature}"}])
    wait_until(lambda: standin.get("/_standin/state")["events_failed"] > seen["events_failed"], "the refusal")
    assert standin.get("/_standin/state")["last_event_status"] == 403
    assert house.sql("SELECT count(*) FROM inbound") == before
    assert "luis@example.com" not in mailing.suppressed(house)


def test_the_same_event_twice_counts_once(sent):
    house, standin = sent
    event = {"event": "spamreport", "email": "eva@example.com", "sg_event_id": "eva-1", "timestamp": 1}
    standin.post("/_standin/sendgrid/event", events=[event])
    wait_until(lambda: "eva@example.com" in mailing.suppressed(house), "the complaint")
    row = house.api.all("suppressions", reason="spam", state="on", q="eva@example.com")[0]
    house.api.post(f"suppressions/{row['id']}/lift")
    assert "eva@example.com" not in mailing.suppressed(house)
    standin.post("/_standin/sendgrid/event", events=[{**event, "attempt": 2}])   # another body, the same event
    standin.post("/_standin/sendgrid/event", events=[{**event, "email": "fin@example.com", "sg_event_id": "fin"}])
    wait_until(lambda: "fin@example.com" in mailing.suppressed(house), "the one after it")
    assert "eva@example.com" not in mailing.suppressed(house)


def test_the_doors_say_what_they_are(sent):
    house, _ = sent
    before = house.sql("SELECT count(*) FROM inbound")
    assert request(house.address, "GET", "/webhook/sendgrid/").status == 405
    reply = request(house.address, "POST", "/webhook/doppler/", '{"event": "delivered"}')
    assert reply.status == 404 and "no events are documented" in reply.text
    assert house.sql("SELECT count(*) FROM inbound") == before


def test_an_address_is_put_on_the_list_by_hand_and_found_there(sent):
    house, _ = sent
    made = house.api.post("suppressions", address="Jefa@Example.COM", note="lo pidió por teléfono")
    assert made["reason"] == "hand" and made["address"] == "jefa@example.com"
    again = house.api.call("POST", "suppressions", {"address": "Jefa@example.com"})
    assert again.status == 409 or again.status == 422, again
    wrong = house.api.call("POST", "suppressions", {"address": "nadie"})
    assert wrong.status in (400, 422) and "address" in wrong.text
    assert house.sql("SELECT o.origin FROM opt_out o JOIN contact c ON c.id = o.contact_id WHERE c.address = ?",
                     "jefa@example.com") == [("panel",)]
    page = text_of(house.panel("ana").page("/suppressions?q=jefa"))
    assert "jefa@example.com" in page and "puesta a mano" in page
    assert "lo pidió" in house.panel("eli").page(f"/suppressions/{made['id']}")
    assert "jefa@example.com" in request(house.address, "GET", "/suppressions.csv", None, {
        "Authorization": "Bearer " + house.api.token}).text


def test_credits_that_are_used_up_stop_the_channel_and_nothing_is_lost(sent):
    house, standin = sent
    house.stop()
    mailing.queue(house, "sendgrid", ["rosa@example.com"])
    standin.post("/_standin/sendgrid", answer="credits", times=5)
    house.serve()
    wait_until(lambda: house.sql("SELECT state, state_why FROM channel_account WHERE name = 'sendgrid'")
               == [("stopped", "payment")], "the stop")
    assert mailing.states(house)["rosa@example.com"][0] == "queued"


def test_offline_a_mailing_goes_its_whole_way_without_any_account():
    village = Village()
    try:
        house = village.house(mailing.ANY_HOUR)
        house.serve()
        house.stop()
        mailing.queue(house, "sendgrid", ["ana@example.com", "bounce@example.com"])
        house.serve()
        request(house.address, "POST", "/_standin/sendgrid", '{"delivered_ms": 0}')
        wait_until(lambda: [row[0] for row in mailing.states(house).values()] == ["delivered", "failed"], "the events")
        assert mailing.suppressed(house) == {"bounce@example.com": "bounce"}
    finally:
        village.close()
