"""Bad weather at the provider: what a campaign does of each answer, how it waits, and that it ends well all the same.

The judge is the record of the provider's stand-in: what it took, and how often it was asked. Time passes by moving
the house's own clock (--now, offline mode only).
"""
import collections
import datetime
import json
import re
import socket
import sqlite3
import statistics
import threading
import time

import pytest

from house import request, text_of, wait_until

BALANCE = "11111111-1111-4111-8111-111111111111"        # wants {{nombre}} and {{Valor}}
SETTINGS = {"doppler.api_key": "key-of-relay", "doppler.account_id": "7", "doppler.from_email": "avisos@example.com",
            "sends.pace_ms": "0", "sends.parallel": "4"}
HOUR, DAY = 3600, 86400


def people(count, tag="cliente"):
    return "email,nombre,Valor\n" + "".join(f"{tag}{n:05}@example.com,Cliente {n},{n}.00\n" for n in range(count))


def place(village, **settings):
    standin = village.standin()
    house = village.house({**SETTINGS, "doppler.base_url": standin.address, **settings}, standin)
    return house.serve(secret=None), standin


def start(house, count, how="--now-send", tag="cliente", **more):
    """A send that was made and started (or only made): its id."""
    path = house.folder / "personas.csv"
    path.write_text(people(count, tag), encoding="utf-8")
    return house.run("sends", "create", path, "--template", BALANCE, how, json_out=True, **more)["id"]


def shown(house, send):
    return house.api.get("sends/" + send)


def until(house, send, *states):
    def look():
        now = shown(house, send)
        return now if now["status"] in states else None
    return wait_until(look, f"{states} of {send}")


def instant(given):
    """Of a text as the API has it, or of milliseconds as the database has them."""
    if isinstance(given, int):
        return datetime.datetime.fromtimestamp(given / 1000, datetime.timezone.utc)
    return datetime.datetime.fromisoformat(given.replace("Z", "+00:00"))


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def move_to(house, at):
    """The clock jumps; nothing else is asked for."""
    house.run("config", "set", "business.name", "Cine en Casa",
              now=at.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z")


def arrived(standin):
    """Address → how many mails the stand-in took for it."""
    return collections.Counter(row["to"] for row in standin.accepted() if row["provider"] == "doppler")


def asked(standin):
    """Address → how often it was called for it, whatever it said."""
    return collections.Counter(row["to"] for row in standin.received() if row["provider"] == "doppler")


def everybody(count, tag="cliente"):
    return {f"{tag}{n:05}@example.com": 1 for n in range(count)}


def states(house):
    return dict(house.sql("SELECT state, count(*) FROM message GROUP BY state"))


def channel(house):
    """State, why and until when."""
    found = house.sql("SELECT state, state_why, coalesce(until_at, 0) FROM channel_account WHERE name = 'doppler'")
    return found[0] if found else ("open", "", 0)


def wait_of(house, than=0):
    """The channel's wait that ends later than this; ms."""
    return wait_until(lambda: (lambda c: c[2] if c[0] == "waiting" and c[2] > than else 0)(channel(house)), "the wait")


def still(look, seconds=0.3):
    """It stays as it is: the same at the end as at the beginning."""
    before = look()
    time.sleep(seconds)
    assert look() == before
    return before


def alerts(house):
    return {key for key, in house.sql("SELECT key FROM alert WHERE resolved_at IS NULL")}


# --- limits ---

def used_up(village, count, **limits):
    """Half of a campaign leaves, then the limit is reached; it is paused until the reset and goes on by itself."""
    house, standin = place(village)
    standin.post("/_standin/doppler", limits=limits)
    send = start(house, count)
    paused = until(house, send, "paused")
    assert paused["status_why"] == "channel" and paused["paused_until_at"] and "límite" in paused["status_words"]
    wait_until(lambda: "sending" not in states(house), "what was under way")
    assert sum(arrived(standin).values()) == count // 2
    assert len(standin.received()) <= count // 2 + 4, "it went on asking"
    reset = instant(paused["paused_until_at"])
    move_to(house, reset - datetime.timedelta(seconds=30))
    assert still(lambda: (shown(house, send)["status"], len(standin.received())))[0] == "paused"
    standin.post("/_standin/doppler", limits=None)
    move_to(house, reset)
    done = until(house, send, "done")
    assert arrived(standin) == everybody(count) and done["counts"]["sent"] == count
    assert done["paused_until_at"] is None and done["status_why"] == ""
    return reset


def test_a_limit_reached_half_way_pauses_until_its_reset_date_and_everybody_gets_one_mail(village):
    reset = used_up(village, 100, monthly=50)
    assert (reset.day, reset.hour, reset.minute, reset.second) == (1, 0, 0, 0)


@pytest.mark.long
def test_a_limit_reached_at_row_5000_of_10000_pauses_and_goes_on(village):
    used_up(village, 10000, monthly=5000)


def test_a_limit_without_a_reset_date_waits_for_the_period_s_end_by_utc(village):
    house, standin = place(village)
    standin.post("/_standin/doppler", faults=[{"answer": "code402", "from_send": 10}])  # "period": "daily"
    began, send = time.time(), start(house, 20)
    paused = until(house, send, "paused")
    until_at = instant(paused["paused_until_at"])
    assert until_at.timestamp() % DAY < 1 and began < until_at.timestamp() <= time.time() + DAY
    standin.post("/_standin/doppler", faults=[])
    move_to(house, until_at)
    until(house, send, "done")
    assert arrived(standin) == everybody(20)


def test_a_plan_that_asks_for_money_waits_and_is_asked_again(village):
    house, standin = place(village)
    standin.post("/_standin/doppler", faults=[{"answer": "code402plan", "from_send": 10}])
    send = start(house, 20)
    paused = until(house, send, "paused")
    assert "pago" in paused["status_words"] or "plan" in paused["status_words"]
    standin.post("/_standin/doppler", faults=[])
    move_to(house, instant(paused["paused_until_at"]))
    until(house, send, "done")
    assert arrived(standin) == everybody(20)


def test_the_guard_pauses_at_its_own_limit_by_utc_windows_and_goes_on_in_the_next(village):
    house, standin = place(village, **{"doppler.quota_guard": "yes", "doppler.quota_monthly": "1000",
                                       "doppler.quota_daily": "100", "doppler.quota_hourly": "20"})
    # Half past an hour: none ends while the first twenty leave, however slowly they do.
    move_to(house, now().replace(minute=30, second=0, microsecond=0) + datetime.timedelta(hours=1))
    send, window = start(house, 50), 0
    for left in (20, 40):
        window = wait_of(house, window)
        assert channel(house)[1] == "hour_cap" and window % (HOUR * 1000) == 0
        paused = wait_until(lambda: (lambda p: p if p["paused_until_at"] and instant(p["paused_until_at"]) == instant(window)
                                     else None)(shown(house, send)), "the pause")
        assert paused["status"] == "paused" and paused["status_why"] == "channel"
        assert len(arrived(standin)) == left == len(standin.received()), "the guard let others through"
        move_to(house, instant(window))
    until(house, send, "done")
    assert arrived(standin) == everybody(50)


def test_a_guard_without_all_its_limits_lets_nothing_leave_and_says_which_it_lacks(village):
    names = ["doppler.quota_monthly", "doppler.quota_daily", "doppler.quota_hourly"]
    house, standin = place(village, **{"doppler.quota_guard": "yes"}, **{name: "9" for name in names})
    path = house.folder / "personas.csv"
    path.write_text(people(2), encoding="utf-8")
    for name in names:
        house.set(name, "0")
        refused = house.call("sends", "create", path, "--template", BALANCE, "--now-send", json_out=True)
        assert refused.returncode != 0 and "no todos los tres límites" in refused.stderr and name in refused.stderr
        house.set(name, "9")
    house.set(names[0], "0")
    check = {row["name"]: row for row in json.loads(house.call("check", json_out=True).stdout)["checks"]}["sends.roads"]
    assert check["state"] == "failed" and all(name in check["detail"] and name in check["remedy"] for name in names)
    assert standin.received() == [] and house.sql("SELECT count(*) FROM bulk_send") == [(0,)]
    house.set(names[0], "9")
    until(house, start(house, 2), "done")
    assert arrived(standin) == everybody(2)


# --- asked to wait ---

def test_asked_to_wait_it_waits_as_long_as_it_is_told_to_and_nobody_is_left_out(village):
    house, standin = place(village, **{"sends.parallel": "1"})
    standin.post("/_standin/doppler", faults=[{"answer": "code429after", "from_send": 5, "times": 1},  # Retry-After: 2
                                              {"answer": "code429", "from_send": 10, "times": 2}])
    send, at, waits = start(house, 20), 0, []
    for _ in range(3):
        at = wait_of(house, at)
        waits.append(at - house.sql("SELECT max(at) FROM attempt WHERE outcome = 'not_yet'")[0][0])
        move_to(house, instant(at + 1))
    done = until(house, send, "done")
    # Without a word a second, then twice as long; they count from a moment before the attempt was written down.
    assert [-(-ms // 1000) for ms in waits] == [2, 1, 2]
    assert arrived(standin) == everybody(20) and done["counts"]["sent"] == 20
    assert sum(asked(standin).values()) == 23


def test_asked_to_wait_five_times_in_a_row_it_stops_and_a_person_starts_it_again(village):
    house, standin = place(village)
    standin.post("/_standin/doppler", faults=[{"answer": "code429", "from_send": 10}])
    send = start(house, 40)
    waits, at = 0, 0
    while True:
        state, why, until_at = wait_until(lambda: (lambda c: c if c[0] == "stopped" or c[2] > at else None)(channel(house)),
                                          "the next wait")
        if state == "stopped":
            break
        assert state == "waiting" and why == "doppler_http_429"
        wait_until(lambda: "sending" not in states(house), "the rest of the volley")
        at, waits = channel(house)[2], waits + 1       # a late answer of the same volley may have moved the hour
        move_to(house, instant(at + 1))
    assert waits in (4, 5)             # a mail that was taken in the first volley may begin the count anew
    paused = until(house, send, "paused")
    assert paused["status_why"] == "channel" and "esperar" in paused["status_words"]
    calls = len(standin.received())
    assert calls <= 9 + (waits + 1) * 4, "a storm was answered with a storm"
    still(lambda: len(standin.received()))
    standin.post("/_standin/doppler", faults=[])
    house.run("outbox", "resume", "doppler")
    house.run("sends", "process")
    until(house, send, "done")
    assert arrived(standin) == everybody(40)


# --- refused ---

@pytest.mark.parametrize("answer", ["code401", "code403"])
def test_a_key_that_is_refused_half_way_stops_it_with_an_alert_until_the_settings_are_mended(village, answer):
    house, standin = place(village)
    standin.post("/_standin/doppler", faults=[{"answer": answer, "from_send": 10}])
    send = start(house, 30)
    paused = until(house, send, "paused")
    assert paused["status_why"] == "channel" and paused["status_words"]
    assert any("doppler" in key for key in alerts(house)), alerts(house)
    wait_until(lambda: "sending" not in states(house), "what was under way")
    calls = len(standin.received())
    assert calls <= 9 + 4
    standin.post("/_standin/doppler", faults=[])
    assert still(lambda: len(standin.received())) == calls, "it asked again with the same key"
    house.set("doppler.api_key", "another-key")
    move_to(house, now() + datetime.timedelta(minutes=11))
    until(house, send, "done")
    assert arrived(standin) == everybody(30)
    wait_until(lambda: not any("doppler" in key for key in alerts(house)), "the alert's end")


# --- nobody there ---

class Road:
    """What lies between the house and the provider: open, or nobody there."""

    def __init__(self, address):
        host, port = address.split("//")[1].split(":")
        self.far, self.door, self.lines = (host, int(port)), None, []
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"

    def open(self):
        self.door = socket.socket()
        self.door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.door.bind(("127.0.0.1", self.port))
        self.door.listen(64)
        threading.Thread(target=self._meet, args=(self.door,), daemon=True).start()
        return self

    def _meet(self, door):
        while True:
            try:
                near, _ = door.accept()
            except OSError:
                return
            far = socket.create_connection(self.far)
            self.lines += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    @staticmethod
    def _carry(one, other):
        try:
            while piece := one.recv(65536):
                other.sendall(piece)
        except OSError:
            pass
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        door, self.door = self.door, None
        if door is not None:
            door.shutdown(socket.SHUT_RDWR)
            door.close()
        for line in self.lines:
            try:
                line.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            line.close()
        self.lines = []


def test_a_gateway_that_is_dead_for_an_hour_is_asked_ever_less_and_then_gets_each_mail_once(village):
    standin = village.standin()
    road = Road(standin.address).open()
    try:
        house = village.house({**SETTINGS, "doppler.base_url": road.address}, standin).serve(secret=None)
        send = start(house, 30, "--hold")
        standin.post("/_standin/doppler", faults=[{"answer": "code429after", "call": "send", "times": 1}])
        house.run("sends", "process", send)
        first = wait_of(house)                                  # the gate has passed, the first mails have left
        wait_until(lambda: "sending" not in states(house), "what was under way")
        left = arrived(standin)
        road.close()                                            # idle lines too: none of them may be written to
        standin.post("/_standin/doppler", faults=[])
        waits, at = [], first
        while at - first < HOUR * 1000:
            move_to(house, instant(at + 1))
            last, at = at, wait_of(house, at)
            assert channel(house)[1] == "connect_failed", channel(house)
            waits.append(at - last)
            assert "No se puede llegar a Doppler Relay" in until(house, send, "paused")["status_words"]
        assert len(waits) <= 15 and max(waits) >= 8 * min(waits), "it was asked again and again, as often as at first"
        assert "unsure" not in states(house) and arrived(standin) == left
        road.open()
        move_to(house, instant(at + 1))
        until(house, send, "done")
        assert arrived(standin) == everybody(30)
    finally:
        road.close()


# --- not known ---

def test_answers_that_say_nothing_certain_are_unsure_and_never_called_again_by_themselves(village):
    house, standin = place(village)
    answers = ["code500", "html502", "code503", "code408", "reset", "close", "badjson", "badlength", "redirect"]
    doubtful = {f"cliente{3 * n:05}@example.com": answer for n, answer in enumerate(answers)}
    standin.post("/_standin/doppler", faults=[{"answer": answer, "to": to} for to, answer in doubtful.items()])
    send = start(house, 30)
    done = until(house, send, "done")
    assert done["counts"]["unsure"] == len(answers) and done["counts"]["sent"] == 30 - len(answers)
    unsure = house.api.get(f"sends/{send}/recipients?state=unsure")["results"]
    assert {row["email"] for row in unsure} == set(doubtful) and all(row["error_message"] for row in unsure)
    house.stop()
    house.serve(secret=None)
    move_to(house, now() + datetime.timedelta(days=2))
    house.run("sends", "process")
    assert still(lambda: asked(standin)) == everybody(30)
    assert states(house)["unsure"] == len(answers)


def test_a_timeout_after_the_request_was_written_is_unsure_and_no_second_call(village):
    house, standin = place(village, **{"doppler.timeout_s": "3"})       # the other three have these seconds too
    standin.post("/_standin/doppler", faults=[{"answer": "hang", "to": "cliente00001@example.com"}])
    send = start(house, 4)
    done = until(house, send, "done")
    assert done["counts"]["unsure"] == 1
    unsure = house.api.get(f"sends/{send}/recipients?state=unsure")["results"]
    assert [(row["row"], row["error_code"]) for row in unsure] == [(2, "timeout")]
    assert asked(standin) == everybody(4)


def test_ten_unsure_in_a_row_stop_the_channel_before_more_people_are_in_doubt(village):
    house, standin = place(village, **{"sends.parallel": "1"})
    standin.post("/_standin/doppler", faults=[{"answer": "code500", "from_send": 6}])
    send = start(house, 100)
    paused = until(house, send, "paused")
    assert paused["counts"]["unsure"] == 10 and len(standin.received()) == 15
    assert any("doppler" in key for key in alerts(house))
    standin.post("/_standin/doppler", faults=[])
    house.run("outbox", "resume", "doppler")
    house.run("sends", "process")
    done = until(house, send, "done")
    assert done["counts"]["unsure"] == 10 and done["counts"]["sent"] == 90
    assert asked(standin) == everybody(100)


# --- many hands, and how far it is ---

def test_workers_a_button_programs_and_the_scheduler_at_once_call_each_row_once(village):
    house, standin = place(village)
    send = start(house, 400, "--hold")
    with sqlite3.connect(house.state / "recado.db", timeout=30) as line:
        number = line.execute("SELECT id FROM bulk_send").fetchone()[0]
        line.execute("UPDATE bulk_send SET scheduled_at = created_at WHERE id = ?", (number,))     # its hour has come
        line.execute("INSERT INTO job (kind, slot, args_json, queue, state, run_at, created_at) VALUES ('sends.send', ?,"
                     " json_object('bulk_id', ?), 'sends', 'queued', 0, 0)", (f"sends.next:{number}", number))
    line.close()
    ana = house.panel("ana")
    csrf, _ = ana.csrf(), house.api                             # made before the rush
    tries = [lambda: house.api.call("POST", f"sends/{send}/process", {}), lambda: house.call("sends", "process", send),
             lambda: house.call("sends", "process"),
             lambda: ana.send("POST", f"/sends/{send}/process", {"csrf": csrf})] * 3
    threads = [threading.Thread(target=one) for one in tries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert until(house, send, "done")["counts"]["sent"] == 400
    assert asked(standin) == everybody(400)


def watched(village, count, pace_ms):
    """The bar of the send's page against what the stand-in has, and the end it foretells against how it went so far.

    A machine that is busy sends unevenly, so no look is held against the real end, and the looks are judged together.
    """
    house, standin = place(village, **{"sends.pace_ms": str(pace_ms), "sends.parallel": "1"})
    ana = house.panel("ana")
    send, seen, told, first = start(house, count), [], [], None
    before = standin.counts()["accepted"]
    while not (bar := json.loads(ana.page(f"/sends/{send}/progress")))["is_over"]:
        at, after = time.monotonic(), standin.counts()["accepted"]
        if bar["total"]:
            seen.append((before, bar["done"], after))
            assert bar["total"] == count
        if after and first is None:
            first = (at, after)
        left = re.search(r"faltan (\d+) (s|min)", bar["text"])
        if left and after > first[1]:
            pace = (at - first[0]) / (after - first[1])
            told.append(((int(left[1]) + 0.5) * (60 if left[2] == "min" else 1), (count - after) * pace))
        before = after
        time.sleep(0.05)
    slack = 0.2 * count
    assert len(seen) > 5 and all(before - slack <= done <= after + slack for before, done, after in seen), seen
    assert told and statistics.median(abs(guess - real) - 0.2 * real for guess, real in told) <= 0.7, told
    assert arrived(standin) == everybody(count)


def test_bar_and_end_of_a_paced_send_are_right_within_a_fifth(village):
    watched(village, 160, 20)


@pytest.mark.long
def test_bar_and_end_of_a_send_of_a_minute_are_right_within_a_fifth(village):
    watched(village, 1200, 50)


# --- reports ---

REPORTS = {"reports.poll_first_s": "1", "reports.poll_most_s": "1", "reports.timer": "no", "reports.after_send": "no"}


def passes(house):
    return house.sql("SELECT pass, outcome FROM bulk_report_pass WHERE done_at IS NOT NULL ORDER BY pass")


def requests_of(house):
    return house.sql("SELECT coalesce(sum(attempts), 0) FROM generated_report WHERE type = 'deliveries'")[0][0]


def look_for_reports(house, at):
    done = house.call("sends", "post-reports", now=at.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert done.returncode == 0 or "en marcha ahora mismo" in done.stderr, done  # the schedule may be at it


def look_until(house, at, count, step_s=5):
    """The schedule's look again and again, some seconds of the house's later each time, until so many passes ended."""
    for _ in range(60):
        look_for_reports(house, at)
        wait_until(lambda: house.sql("SELECT 1 FROM job WHERE kind LIKE 'sends.%' AND state = 'running'") == [], "the work")
        if len(passes(house)) >= count:
            return at
        at += datetime.timedelta(seconds=step_s)
    raise AssertionError(f"no pass {count}: {passes(house)}")


def place_in_the_past(village, by, **settings):
    """The provider makes no report of hours that are still to come for it, so the house begins some hours ago."""
    house, standin = place(village, **{**REPORTS, **settings})
    house.stop()
    house.serve(now=(now() - by).strftime("%Y-%m-%dT%H:%M:%SZ"), secret=None)
    return house, standin


def test_a_report_that_is_never_ready_is_an_error_and_asked_for_three_times_at_most(village):
    ago = datetime.timedelta(hours=3)
    house, standin = place_in_the_past(village, ago, **{"reports.poll_total_s": "60"})
    standin.post("/_standin/doppler", report={"polls": -1})
    send = start(house, 3)
    until(house, send, "done")
    at = now() - ago + datetime.timedelta(minutes=62)
    at = look_until(house, at, 1, 20)
    assert passes(house) == [(1, "error")]
    assert {row for row, in house.sql("SELECT DISTINCT error FROM generated_report")} == {"timeout"}
    days = house.sql("SELECT count(DISTINCT start_on) FROM generated_report")[0][0]
    assert requests_of(house) == 3 * days
    told = shown(house, send)
    assert told["post_reports_status"] == "error" and told["report"]["state"] == "error" and "[REPORT] error" in told["log"]
    assert "no estuvo" in told["report"]["latest_error"] or "tiempo" in told["report"]["latest_error"], told["report"]
    calls = requests_of(house)
    look_for_reports(house, at + datetime.timedelta(minutes=30))
    assert still(lambda: requests_of(house)) == calls


def test_a_report_whose_polls_fail_for_a_while_is_fetched_and_finds_its_rows(village):
    house, standin = place_in_the_past(village, datetime.timedelta(minutes=70))
    standin.post("/_standin/doppler", faults=[{"answer": "code500", "call": "poll", "times": 1}], report={"polls": 1})
    send = start(house, 5)
    until(house, send, "done")
    time.sleep(1.1)                                             # a report's range ends with a whole second
    look_for_reports(house, now())
    for _ in range(2):                                          # its polls, as time goes by
        wait_until(lambda: house.sql("SELECT 1 FROM job WHERE kind LIKE 'sends.%' AND state = 'running'") == [], "the work")
        move_to(house, now() + datetime.timedelta(minutes=1))
    wait_until(lambda: passes(house), "the pass")
    assert passes(house) == [(1, "done")]
    assert shown(house, send)["post_reports_status"] == "done"
    assert house.sql("SELECT count(*) FROM bulk_result") == [(5,)] and asked(standin) == everybody(5)


def test_a_timed_send_of_days_ago_asks_for_the_days_it_was_sent_and_a_day_without_rows_is_over_too(village):
    house = village.house({**SETTINGS, **REPORTS})              # the stand-in inside has the house's clock
    zone = datetime.timezone(datetime.timedelta(hours=-5))
    made, sent_at = datetime.datetime(2027, 3, 2, 10, 0, tzinfo=zone), datetime.datetime(2027, 3, 5, 23, 50, tzinfo=zone)
    house.serve(now=made.isoformat(), secret=None)
    path = house.folder / "personas.csv"
    path.write_text(people(3), encoding="utf-8")
    send = house.run("sends", "create", path, "--template", BALANCE, "--at", sent_at.isoformat(), json_out=True)["id"]
    assert request(house.address, "GET", "/_standin/received").json == []
    move_to(house, sent_at + datetime.timedelta(seconds=10))
    until(house, send, "done")
    assert {row["to"]: 1 for row in request(house.address, "GET", "/_standin/received").json} == everybody(3)
    for number, hours in ((1, 1.1), (2, 24.1), (3, 72.1)):
        house.stop()
        house.serve(now=(sent_at + datetime.timedelta(hours=hours)).isoformat(), secret=None)  # it has forgotten its rows
        look_until(house, sent_at + datetime.timedelta(hours=hours, seconds=5), number)
        calls = requests_of(house)
        house.run("sends", "post-reports")
        assert still(lambda: requests_of(house), 0.1) == calls
        told = shown(house, send)
        assert told["post_reports_status"] == "zero_rows" and told["post_reports_loaded_at"]
        assert request(house.address, "GET", "/_standin/received").json == [], "a report sent a mail"
    assert {day for day, in house.sql("SELECT start_on FROM generated_report")} == {"2027-03-05", "2027-03-06"}
    assert passes(house) == [(1, "zero_rows"), (2, "zero_rows"), (3, "zero_rows")]


# --- switches, work that was given up ---

def test_the_switch_pauses_a_send_that_is_under_way_and_it_goes_on_by_itself(village):
    house, standin = place(village, **{"sends.pace_ms": "40"})      # a minute's work, if nobody stops it
    send = start(house, 1500)
    wait_until(lambda: standin.counts()["accepted"] >= 20, "the first mails")
    house.set("sends.enabled", "no")
    paused = until(house, send, "paused", "done")
    assert paused["status"] == "paused" and paused["status_why"] == "switch"
    wait_until(lambda: "sending" not in states(house), "what was under way")
    assert still(lambda: standin.counts()["accepted"]) < 1500
    house.set("sends.pace_ms", "0")
    house.set("sends.enabled", "yes")
    move_to(house, now() + datetime.timedelta(minutes=11))
    until(house, send, "done")
    assert arrived(standin) == everybody(1500)


def test_a_send_whose_work_was_given_up_says_so_everywhere_and_one_press_resumes_it(village):
    house, standin = place(village, **{"sends.pace_ms": "50", "sends.parallel": "1"})
    send = start(house, 60)
    wait_until(lambda: standin.counts()["accepted"] >= 5, "the first mails")
    house.kill()
    with sqlite3.connect(house.state / "recado.db", timeout=30) as line:      # the eighth interruption in a row
        line.execute("UPDATE job SET attempts = 1000 WHERE kind = 'sends.send' AND state = 'running'")
    line.close()
    house.set("sends.pace_ms", "0")
    house.serve(secret=None)
    assert house.sql("SELECT state FROM job WHERE kind = 'sends.send'") == [("dead",)]
    move_to(house, now() + datetime.timedelta(minutes=3))  # the schedule's look
    stuck = until(house, send, "paused")
    assert stuck["status_why"] == "no_job" and "reanud" in stuck["status_words"].lower()
    number = stuck["number"]
    assert f"sends.stuck:{number}" in alerts(house)
    ana = house.panel("ana")
    assert "abandonó" in text_of(ana.page("/sends/" + send)) and "está detenido" in text_of(ana.page("/"))
    check = [row for row in json.loads(house.call("check", json_out=True).stdout)["checks"] if row["name"] == "sends.paused"]
    assert str(number) in check[0]["detail"] and check[0]["remedy"].startswith(f"recado sends resume {number}")
    ana.post(f"/sends/{send}/resume")
    done = until(house, send, "done")
    assert done["counts"]["sent"] + done["counts"]["unsure"] == 60 and done["counts"]["unsure"] <= 1
    assert set(asked(standin).values()) == {1} and 60 - len(asked(standin)) <= done["counts"]["unsure"]
    assert f"sends.stuck:{number}" not in alerts(house)
