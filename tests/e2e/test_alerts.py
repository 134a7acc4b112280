"""What the owner is told by itself: each alert once on each road, a reminder, that it is over; and trying it out."""
import contextlib
import datetime
import email
import email.policy
import json
import sqlite3
import time

import pytest

from house import Village, request, wait_until
from person import DESK, PHONE, Person, browser  # noqa: F401

NOON = "2026-03-02T12:00:00-05:00"
NOON_MS = int(datetime.datetime.fromisoformat(NOON).timestamp() * 1000)
SLACK = "https://hooks.slack.com/services/T0/B0/secret-of-slack"
DISCORD = "https://discord.com/api/webhooks/17/secret-of-discord"
ROADS = {"alerts.email": "ana@example.com", "slack.webhook_url": SLACK, "discord.webhook_url": DISCORD,
         "telegram.bot_token": "17:secret-of-telegram", "telegram.chat_id": "-42"}
# Nothing of this machine's own troubles.
CALM = {"alerts.disk_warn_percent": "100", "alerts.disk_urgent_percent": "100", "alerts.memory_mb": "65536"}


@pytest.fixture(scope="module")
def village():
    made = Village()
    yield made
    made.close()


def received(house, provider=None):
    rows = request(house.address, "GET", "/_standin/received").json
    return [row for row in rows if row["provider"] != "wasender" and provider in (None, row["provider"])]


def accepted(house, provider=None):
    return [row for row in received(house, provider) if row["outcome"] == "accepted"]


def mails(house):
    return request(house.address, "GET", "/_standin/mails?to=ana@example.com").json


def letter_of(mail):
    return email.message_from_bytes(mail["raw"].encode(), policy=email.policy.default)


def look(house):
    return house.run("alerts", "look", json_out=True)


def shown(house):
    return json.loads(house.call("alerts", json_out=True, lang="en").stdout)


def settled(house):
    """Nothing of ours is on its way any more."""
    wait_until(lambda: not house.sql("SELECT 1 FROM message WHERE state IN ('queued', 'sending')"), "an empty outbox")


@contextlib.contextmanager
def writing(house):
    """Something breaks in the database behind the program's back."""
    line = sqlite3.connect(house.state / "recado.db", timeout=20)
    try:
        yield line
        line.commit()
    finally:
        line.close()


def dead_jobs(house, *kinds, state="dead", times=1, at=None):
    with writing(house) as db:
        for kind in kinds:
            for _ in range(times):
                db.execute("INSERT INTO job (kind, queue, state, run_at, created_at, finished_at, error)"
                           " VALUES (?, 'quick', ?, ?, ?, ?, 'broken')", (kind, state, at, at, at))


# --- once, again, over ---

def test_each_road_hears_once_then_again_after_six_hours_then_that_it_is_over(village):
    house = village.house({**CALM, **ROADS, "alerts.disk_warn_percent": "1", "web.public_url": "https://panel.example.com"})
    house.serve(now=NOON)
    assert look(house) == {"raised": 1, "resolved": 0}
    wait_until(lambda: len(accepted(house)) == 4, "four roads")
    texts = {row["provider"]: row["body"] for row in accepted(house)}
    assert set(texts) == {"smtp", "slack", "discord", "telegram"}
    assert texts["slack"] == texts["discord"] == texts["telegram"]
    assert texts["slack"].startswith("Atención: El disco se llena: ")
    assert "Desde 02/03/2026 12:00." in texts["slack"] and "Qué hacer: " in texts["slack"]
    assert "https://panel.example.com/watch" in texts["slack"] and "Cine en Casa" in texts["slack"]
    letter = letter_of(mails(house)[0])
    assert letter["subject"].startswith("Atención: El disco se llena: ") and "\n" not in letter["subject"]
    assert letter.get_content().split() == texts["slack"].split()
    assert look(house) == {"raised": 0, "resolved": 0}
    house.stop()
    house.serve(now="2026-03-02T17:58:00-05:00")        # a restart tells nobody twice
    look(house)
    settled(house)
    assert received(house) == []
    house.stop()
    house.serve(now="2026-03-02T18:01:00-05:00")
    wait_until(lambda: len(accepted(house)) == 4, "four reminders")
    assert all(row["body"].startswith("Sigue abierto: ") for row in accepted(house, "discord"))
    house.set("alerts.disk_warn_percent", "100")
    assert look(house)["resolved"] == 1
    wait_until(lambda: len(accepted(house)) == 8, "four times solved")
    solved = accepted(house, "telegram")[-1]["body"]
    assert solved.startswith("Resuelto: ") and "Desde 02/03/2026 12:00 hasta 02/03/2026 18:01." in solved
    # What flaps is not told anew …
    for percent in ("1", "100", "1"):
        house.set("alerts.disk_warn_percent", percent)
        look(house)
    settled(house)
    assert len(accepted(house)) == 8
    house.stop()
    house.serve(now="2026-03-03T00:02:00-05:00")        # … but reminded of when it stays
    wait_until(lambda: len(accepted(house)) == 4, "a reminder after all")
    assert accepted(house, "slack")[0]["body"].startswith("Sigue abierto: ")
    house.stop()
    states = house.sql("SELECT count(*), count(DISTINCT occasion) FROM message WHERE state = 'sent'")
    assert states == [(16, 16)]


def test_only_what_is_urgent_enough_for_a_road_goes_there_and_a_new_road_hears_of_what_is_open(village):
    house = village.house({**CALM, "alerts.disk_warn_percent": "1", "slack.webhook_url": SLACK, "alerts.slack_from": "urgent"})
    house.serve()
    look(house)
    settled(house)
    assert received(house) == []
    house.set("discord.webhook_url", DISCORD)
    look(house)
    wait_until(lambda: len(accepted(house, "discord")) == 1, "the new road")
    house.set("alerts.disk_urgent_percent", "1")          # warning becomes urgent: told, and not called solved
    look(house)
    wait_until(lambda: len(accepted(house, "slack")) == 1 and len(accepted(house, "discord")) == 2, "the urgent one")
    assert accepted(house, "slack")[0]["body"].startswith("Urgente: ")
    assert not any(row["body"].startswith("Resuelto") for row in accepted(house))
    house.stop()


def test_killed_between_raising_and_telling_it_tells_exactly_once(village):
    standin = village.standin()
    house = village.house({**CALM, "alerts.disk_warn_percent": "1"}, standin=standin)
    house.serve()
    look(house)                                         # raised, but there is no road
    house.kill()
    house.set("slack.webhook_url", standin.address + "/services/T0/B0/ok")
    for wait in (0.0, 0.05, 0.3):
        house.serve()
        time.sleep(wait)
        house.kill()
    house.serve()
    look(house)
    settled(house)
    told = house.sql("SELECT m.state, m.state_why FROM alert_telling t JOIN message m ON m.id = t.message_id")
    arrived = [row for row in standin.received() if row["provider"] == "slack"]
    # Killed with the line open it cannot be known; then it is not said twice, and nobody has to decide it.
    assert len(told) == 1 and told[0] in (("sent", ""), ("failed", "notice_unsure"))
    assert len(arrived) <= 1 and (len(arrived) == 1 or told[0][0] == "failed")
    assert "outbox.unsure" not in {a["key"] for a in shown(house)["open"]}
    house.stop()


def test_more_than_so_many_mails_an_hour_become_one_that_sums_up(village):
    house = village.house({**CALM, "alerts.email": "ana@example.com", "alerts.mails_per_hour": "3"})
    house.serve(now=NOON)
    dead_jobs(house, "a.one", "a.two", "a.three", "a.four", "a.five", at=NOON_MS)
    assert look(house)["raised"] == 5
    settled(house)
    assert len(mails(house)) == 2
    house.stop()
    house.serve(now="2026-03-02T12:11:00-05:00")
    wait_until(lambda: len(mails(house)) == 1, "the mail that sums up")
    letter = letter_of(mails(house)[0])
    assert letter["subject"] == "3 alertas más" and letter.get_content().count("\n- Atención: ") == 3
    assert house.sql("SELECT count(*) FROM alert_telling WHERE message_id IS NULL") == [(0,)]
    house.stop()


# --- every rule, for real ---

def test_what_goes_wrong_raises_its_own_alert_and_its_end_resolves_it(village):
    house = village.house({**CALM, "alerts.logins": "1", "alerts.blocked_per_day": "1", "alerts.queue": "2",
                           "alerts.slow_ms": "1", "alerts.unsure_minutes": "0"})
    panel = house.serve(now=NOON).panel()
    assert {a["key"] for a in shown(house)["open"]} == set()
    at = NOON_MS
    dead_jobs(house, "b.dead", at=at)
    dead_jobs(house, "b.failing", state="failed", times=4, at=at)
    dead_jobs(house, "b.nearly", state="failed", times=3, at=at)
    with writing(house) as db:
        db.execute("INSERT INTO backup (public_id, name, origin, state, error, started_at)"
                   " VALUES ('x', 'x', 'schedule', 'failed', 'no room', ?)", (at,))
        schedule = db.execute("SELECT id FROM schedule LIMIT 1").fetchone()[0]
        for _ in range(4):
            db.execute("INSERT INTO job (kind, queue, state, run_at, created_at, finished_at, schedule_id)"
                       " VALUES ('b.by_schedule', 'quick', 'failed', ?, ?, ?, ?)", (at, at, at, schedule))
        db.execute("ALTER TABLE inbound_message RENAME TO inbound_message_away")
    assert panel.send("GET", "/inbox").status == 500
    with writing(house) as db:
        db.execute("ALTER TABLE inbound_message_away RENAME TO inbound_message")
    answers = [request(house.address, "POST", "/login", "name=ana&password=wrong", {
        "Content-Type": "application/x-www-form-urlencoded"}).status for _ in range(7)]
    assert answers.count(429) >= 2, answers
    with writing(house) as db:          # more than can be worked off until somebody looks
        db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO job"
                   " (kind, queue, run_at, created_at) SELECT 'b.wait', 'quick', ?, ? FROM n", (at, at))
    look(house)
    found = {a["key"]: a for a in shown(house)["open"]}
    assert {"job.dead:b.dead", "job.failing:b.failing", "job.failing:b.by_schedule", "backup.failed", "work.queue",
            "web.failure", "login.refused", "web.blocked", "web.slow"} - set(found) == set()
    assert "job.failing:b.nearly" not in found
    assert [key for key in found if key.startswith("schedule.failing:")]
    assert all(a["text"] and a["what_to_do"] and a["link"].startswith("/") for a in found.values())
    assert "no room" in found["backup.failed"]["text"]
    # Mended, each of them is over.
    with writing(house) as db:
        db.execute("UPDATE job SET state = 'cancelled' WHERE kind LIKE 'b.%'")
        db.execute("UPDATE backup SET state = 'proved', proved_at = started_at")
    house.set("alerts.logins", "9999")
    house.set("alerts.blocked_per_day", "9999")
    house.set("alerts.slow_ms", "10000")
    look(house)
    assert {a["key"] for a in shown(house)["open"]} == {"web.failure"}      # for a quarter of an hour
    house.stop()


def test_a_night_without_a_proved_backup_is_told_but_not_before_the_first_night(village):
    house = village.house({**CALM, "discord.webhook_url": DISCORD})
    house.serve(now=NOON)
    look(house)
    assert "backup.unproved" not in {a["key"] for a in shown(house)["open"]}
    house.stop()
    house.serve(now="2026-03-03T15:00:00-05:00")
    with writing(house) as db:
        db.execute("UPDATE backup SET proved_at = NULL, state = 'made' WHERE state = 'proved'")
    look(house)
    assert "backup.unproved" in {a["key"] for a in shown(house)["open"]}
    house.stop()


def test_unsure_messages_are_told_of_when_nobody_decides(village):
    house = village.house({**CALM, "discord.webhook_url": DISCORD, "alerts.unsure_minutes": "20"})
    house.serve(now=NOON)
    service = house.api.service()
    client = house.api.client("Ana", "+593995550499")      # the line is cut after the request
    house.api.subscription(client, service, "2026-03-03")
    house.run_today(code=3)
    wait_until(lambda: house.sql("SELECT 1 FROM message WHERE state = 'unsure'"), "the unsure one")
    look(house)
    settled(house)
    assert "outbox.unsure" in {a["key"] for a in shown(house)["open"]} and not received(house, "discord")
    house.stop()
    house.serve(now="2026-03-02T12:21:00-05:00")
    wait_until(lambda: accepted(house, "discord"), "the alert")
    assert "Mira cada mensaje dudoso y decide" in accepted(house, "discord")[0]["body"]
    house.stop()


def test_a_clock_that_is_years_off_is_told_nothing_floods_and_its_correction_is_the_end(village):
    house = village.house({**CALM, "discord.webhook_url": DISCORD})
    house.serve(now=NOON)
    look(house)
    service = house.api.service()
    client = house.api.client("Ana", "+593990000001")
    house.api.subscription(client, service, "2026-03-09")
    ran = "SELECT count(*) FROM job_run"
    before, texts = house.sql(ran), house.sql("SELECT id, state FROM message")
    house.stop()
    house.serve(now="2031-03-02T12:00:00-05:00")
    look(house)
    assert "clock.wrong" in {a["key"] for a in shown(house)["open"]}
    wait_until(lambda: accepted(house, "discord"), "the word about the clock")
    time.sleep(1)                                       # the scheduler has looked meanwhile
    assert len(received(house)) == 1 and house.sql(ran) == before
    house.stop()
    house.serve(now="2026-03-02T12:30:00-05:00")
    look(house)
    assert "clock.wrong" not in {a["key"] for a in shown(house)["open"]}
    wait_until(lambda: any(row["body"].startswith("Resuelto: ") for row in accepted(house, "discord")), "that it is over")
    assert [row for row in house.sql("SELECT id, state FROM message") if row in texts] == texts
    assert house.sql("SELECT count(*) FROM schedule WHERE next_due_at > 1800000000000") == [(0,)]
    house.stop()
    house.serve(now="2026-03-02T15:00:00-05:00")
    assert house.run_today()["total_sent"] == 1         # seven days before the end, as if nothing had been
    house.stop()
    house.serve(now="2026-03-01T12:00:00-05:00")        # a day behind
    look(house)
    assert "clock.wrong" in {a["key"] for a in shown(house)["open"]}
    wait_until(lambda: any("reloj" in row["body"] for row in accepted(house, "discord")), "the alert")
    one = next(a for a in shown(house)["open"] if a["key"] == "clock.wrong")
    house.api.post(f"alerts/{one['id']}/seen")              # the person says that it is right
    assert "clock.wrong" not in {a["key"] for a in shown(house)["open"]}
    house.stop()


def test_what_was_told_by_a_clock_that_was_ahead_is_reminded_of_and_summed_up_once_it_is_right(village):
    house = village.house({**CALM, "alerts.email": "ana@example.com", "alerts.mails_per_hour": "3"})
    house.serve(now="2026-04-20T12:00:00-05:00")        # fifty days: nobody can know that it is wrong
    dead_jobs(house, "renewals.plan", "backup.make", "outbox.forget",
              at=int(datetime.datetime.fromisoformat("2026-04-20T11:00:00-05:00").timestamp() * 1000))
    look(house)
    wait_until(lambda: len(mails(house)) == 2, "two told, the third waits")
    settled(house)
    house.stop()
    house.serve(now=NOON)
    subjects = lambda: [letter_of(m)["subject"] for m in mails(house)]  # noqa: E731
    wait_until(lambda: any(s.startswith("Sigue abierto: ") for s in subjects()), "a reminder")
    wait_until(lambda: any("más" in s for s in subjects()), "the one that sums up")
    house.stop()


# --- what the chats answer ---

def script(house, provider, answer, times=1):
    reply = request(house.address, "POST", "/_standin/chat", json.dumps({"provider": provider, "answer": answer, "times": times}),
                    {"Content-Type": "application/json"})
    assert reply.status == 200, reply


def test_an_alert_about_a_channel_never_goes_over_that_channel(village):
    house = village.house({**CALM, "slack.webhook_url": SLACK, "discord.webhook_url": DISCORD}).serve()
    script(house, "slack", "no_service")
    house.run("alerts", "try", "--road", "slack")
    wait_until(lambda: "channel.stopped:slack" in {a["key"] for a in shown(house)["open"]}, "the stop")
    wait_until(lambda: accepted(house, "discord"), "the alert on the other road")
    assert "Slack" in accepted(house, "discord")[0]["body"]
    assert [row["outcome"] for row in received(house, "slack")] == ["refused"]
    road = next(r for r in shown(house)["roads"] if r["name"] == "slack")
    assert road["is_set_up"] and road["state"] == "stopped" and "webhook" in road["why"]
    house.stop()


def test_the_chats_may_ask_to_wait_move_away_and_fall_silent(village):
    house = village.house({**CALM, **ROADS, "alerts.email": ""}).serve()
    script(house, "slack", "rate_limited")
    script(house, "discord", "cut")
    script(house, "telegram", "migrate")
    assert house.run("alerts", "try", json_out=True) == {"messages": 3}
    wait_until(lambda: [row["outcome"] for row in received(house, "telegram")] == ["refused", "accepted"], "the new chat")
    assert [row["to"] for row in received(house, "telegram")] == ["telegram:-42", "telegram:-1009990000001"]
    wait_until(lambda: house.sql("SELECT 1 FROM message WHERE state_why = 'notice_unsure'"), "the unsure notice put away")
    assert len(received(house, "discord")) == 1            # never again by itself
    assert not house.sql("SELECT 1 FROM alert WHERE key = 'outbox.unsure' AND resolved_at IS NULL")
    # Retry-After was one second; the channel waited and the same message left.
    wait_until(lambda: accepted(house, "slack"), "the slack notice", 90)
    assert {row["body"] for row in received(house, "slack")} == {accepted(house, "slack")[0]["body"]}
    assert "secret-of" not in house.log()
    house.stop()


@pytest.mark.long
def test_a_group_that_moved_is_written_to_where_it_is_and_a_chat_that_blocked_us_may_live_again(village):
    house = village.house({**CALM, **ROADS, "alerts.email": ""}).serve()
    script(house, "telegram", "migrate")
    house.run("alerts", "try", "--road", "telegram")
    wait_until(lambda: len(received(house, "telegram")) == 2, "the new chat")
    # From now on at once to the new chat, also without the setting being changed.
    house.run("alerts", "try", "--road", "telegram")
    wait_until(lambda: len(accepted(house, "telegram")) == 2, "straight to the new chat")
    assert len(received(house, "telegram")) == 3
    script(house, "telegram", "blocked")
    house.run("alerts", "try", "--road", "telegram")
    wait_until(lambda: house.sql("SELECT 1 FROM contact WHERE dead_reason = 'blocked'"), "the blocked chat")
    house.run("alerts", "try", "--road", "telegram")       # whoever tries it means that it lives again
    wait_until(lambda: len(accepted(house, "telegram")) == 3, "after Start was pressed again")
    house.stop()


def test_what_is_wrong_in_a_try_is_said_and_makes_nothing(village):
    house = village.house(CALM).serve()
    assert "ninguna vía" in house.call("alerts", "try").stderr.lower()
    assert "recado alerts" in house.call("alerts", "try", "no.such").stderr
    assert all(rule["name"] in house.run("alerts") for rule in shown(house)["rules"])
    assert house.call("alerts", "try", "no.such").returncode == 2
    assert house.call("alerts", "try", "--road", "pigeon").returncode == 2
    assert "Slack" in house.call("alerts", "try", "--road", "slack").stderr
    assert house.sql("SELECT count(*) FROM alert WHERE is_test = 1") == [(0,)]
    for name, value in (("slack.webhook_url", "https://evil.example/services/a/b/c"),
                        ("slack.webhook_url", "http://hooks.slack.com/services/a/b/c"),
                        ("discord.webhook_url", "https://discord.com/api/webhooks/1/x/slack"), ("telegram.chat_id", "Ana"),
                        ("alerts.email", "ana at example.com"), ("alerts.email", ",".join(f"a{n}@example.com" for n in range(11)))):
        assert house.call("config", "set", name, value).returncode == 2, (name, value)
    house.run("config", "set", "alerts.email", ",".join(f"a{n}@example.com" for n in range(10)))
    house.stop()


# --- the page ---

@pytest.fixture(scope="module")
def office(village):
    house = village.house({**CALM, **ROADS, "alerts.disk_warn_percent": "1"})
    house.serve()
    house.add_user("ana")
    look(house)
    settled(house)
    yield house


@pytest.mark.parametrize("size, lang, words", [(DESK, "es", ("Alertas", "Revisar ahora", "A quién se avisa", "Resuelto")),
                                               (PHONE, "en", ("Alerts", "Look again now", "Who is told", "Solved"))])
def test_the_owner_sees_what_is_open_and_tries_a_road(browser, office, size, lang, words):  # noqa: F811
    person = Person(browser, office, size, lang, f"alerts-{lang}")
    person.log_in()
    for scheme in ("light", "dark"):
        person.scheme(scheme)
        person.go("/alerts")
        for word in words[:3]:
            assert word in person.text()
        person.look(scheme)
    person.scheme("light")
    before = len(received(office, "discord"))
    button = person.find("form[action='/alerts/try'] input[value='discord'] ~ button")
    person.press(button)
    wait_until(lambda: len(accepted(office, "discord")) == before + 1, "the test")
    assert accepted(office, "discord")[-1]["body"].startswith("Prueba: ")
    person.press(person.find("form[action='/alerts/try'] input[value='clock.wrong'] ~ button"))
    wait_until(lambda: len(accepted(office, "discord")) == before + 2, "the test of a rule")
    assert person.complaints() == []


def test_each_error_page_can_be_seen_and_a_reader_cannot_try(village, office):
    owner = office.panel("berta")
    for status, word in ((403, "permiso"), (404, ""), (429, ""), (500, "nuestra"), (503, "segundos")):
        reply = owner.send("GET", f"/alerts/page/{status}")
        assert reply.status == status and word in reply.text
    look(office)
    assert "web.failure" not in {a["key"] for a in shown(office)["open"]}     # shown on purpose
    assert owner.send("GET", "/alerts/page/418").status == 404
    reader = office.panel("rita", role="reader")
    assert "/alerts/try" not in reader.page("/alerts") and 'href="/settings' not in reader.page("/alerts")
    assert 'href="/settings/alerts"' in owner.page("/alerts")
    assert reader.send("POST", "/alerts/try", {"csrf": reader.csrf(), "road": "slack"}).status == 403
    # Somebody takes care of it: no more reminders, and it says so.
    one = next(a for a in shown(office)["open"] if a["key"] == "disk.low")
    assert "alguien se ocupa" in owner.post(f"/alerts/{one['id']}/seen")
    page = owner.page("/alerts")
    assert "secret-of" not in page and "secret-of" not in str(office.api.get("alerts"))
