"""The forecast: what is foretold is what then leaves, and foretelling leaves no trace."""
import collections
import csv
import datetime
import io
import zoneinfo
import zipfile

import pytest

from house import Panel, text_of, wait_until

QUIET = {"outbox.slots": "16", "whatsapp.check_after_s": "3600", "renewals.payment_reminder_days": "3"}
RECEIPTS_OFF = ("--delivered-ms", "-1", "--read-ms", "-1")


def clock(zone, day, text):
    """RFC 3339 of a civil time."""
    hour, minute, second = text.split(":")
    whole, _, part = second.partition(".")
    at = datetime.datetime(day.year, day.month, day.day, int(hour), int(minute), int(whole), int((part or "0").ljust(6, "0")),
                           tzinfo=zoneinfo.ZoneInfo(zone))
    return at.isoformat(timespec="milliseconds")


def is_at_rest(house, day):
    """The day's run is planned and all of it has left."""
    planned = house.sql("SELECT count(*) FROM batch WHERE kind = 'renewals.notices' AND local_on = ? AND planned_at NOT NULL",
                        day.isoformat())[0][0]
    left = house.sql("SELECT count(*) FROM message WHERE state IN ('queued', 'sending')")[0][0]
    return planned > 0 and left == 0


def foretold(house, now, days, *more):
    """(day, number, text) of those that leave, counted, and [(day, customer, reason)] of those left out."""
    path = house.folder / "forecast.csv"
    house.run("forecast", "--days", days, "--csv", path, now=now, lang="en", *more)
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    leaving = [(r["Planned"][:10], r["Number"], r["Text"].replace("\r\n", "\n")) for r in rows if r["State"] == "Leaves"]
    return collections.Counter(leaving), [(r["Planned"][:10], r["Customer"], r["Reason"]) for r in rows if r["State"] != "Leaves"]


def peopled(house, today, count):
    """Customers of all kinds, whose subscriptions end from before today to weeks after the window."""
    api = house.api
    netflix, disney = api.service("Netflix", 1299), api.service("Disney", 899)
    yearly = api.service("Anual", 9900, period="annual")
    for i in range(count):
        more = {}
        phone = f"+5939840{i:05}"
        if i % 17 == 3:
            phone = None
        if i % 19 == 4:
            phone = f"+59322{i:06}"                     # a landline
        if i % 23 == 5:
            more["auto_notices"] = False
        if i % 5 == 0:
            more["payment_status"] = "paid"
        ends = today + datetime.timedelta(days=(i * 7) % 47 - 4)
        starts = ends - datetime.timedelta(days=30)
        if i % 29 == 6:                                 # a year ahead: only the reminder to pay falls in the window
            starts, ends, service = today, today + datetime.timedelta(days=365), yearly
        else:
            service = disney if i % 3 else netflix
        client = api.client(f"Ana {i}", phone, surnames="Vera" if i % 2 else "")
        made = api.subscription(client, service, ends.isoformat(), starts_on=starts.isoformat(), **more)
        if i % 31 == 7:                                 # a second one of the same customer
            api.subscription(client, netflix, ends.isoformat(), starts_on=starts.isoformat())
        if i % 13 == 8 and ends >= today:
            house.run("renewals", "cancel", made["id"], "--at-end")
        if i % 37 == 9:
            api.patch(f"clients/{client['id']}", is_active=False)


def opted_out(house, standin, number):
    standin.say(number, "BAJA")
    wait_until(lambda: house.sql("SELECT count(*) FROM opt_out")[0][0] > 0, "the opt-out")


def walk(house, standin, zone, first, days):
    """Open the house each morning just before nine; what left, counted."""
    left, seen = collections.Counter(), len(standin.accepted())
    for n in range(days):
        day = first + datetime.timedelta(days=n)
        house.serve(now=clock(zone, day, "08:59:59.900"), secret=None)
        wait_until(lambda: is_at_rest(house, day), f"{day}")
        house.stop()
        rows = standin.accepted()
        left.update((day.isoformat(), row["to"], row["body"]) for row in rows[seen:])
        seen = len(rows)
    return left


def proved(village, zone, first, count, days):
    house, standin = village.pair({**QUIET, "business.zone": zone}, *RECEIPTS_OFF)
    before = first - datetime.timedelta(days=5)
    house.serve(now=clock(zone, before, "08:00:00"))
    peopled(house, first, count)
    opted_out(house, standin, "+593984000002")
    house.run_today()                                   # the four days between were missed
    house.stop()
    told, left_out = foretold(house, clock(zone, first, "08:00:00"), days)
    left = walk(house, standin, zone, first, days)
    assert (left - told, told - left) == (collections.Counter(), collections.Counter())
    assert told.total() > count and len({day for day, _, _ in told}) == days
    reasons = {reason for _, _, reason in left_out}
    assert {"no phone", "the number is a landline", "notices are off for this subscription",
            "asked for no notices"} <= reasons
    assert any("Aún no registramos el pago" in text for _, _, text in told)
    assert any("termina en" in text for _, _, text in told)     # made up for a missed day
    skipped = house.sql("SELECT local_on, count(*) FROM notice WHERE skip_reason <> '' AND local_on >= ? GROUP BY local_on"
                        " ORDER BY 1", first.isoformat())
    by_day = {}
    for day, _, _ in left_out:
        by_day[day] = by_day.get(day, 0) + 1
    assert dict(skipped) == by_day


def test_what_is_foretold_for_thirty_days_is_what_then_leaves(village):
    # The last day of February, a month of 31 days and one of 28 are in it.
    proved(village, "America/Guayaquil", datetime.date(2026, 2, 10), 150, 30)


@pytest.mark.long
def test_it_is_also_when_the_clocks_change_at_midnight(village):
    proved(village, "America/Santiago", datetime.date(2025, 8, 25), 200, 30)    # forward on 7 September, 00:00


@pytest.mark.long
def test_it_is_also_when_an_hour_comes_twice(village):
    proved(village, "America/New_York", datetime.date(2025, 10, 20), 200, 30)   # back on 2 November


@pytest.fixture
def shop(village):
    house, standin = village.pair({"outbox.slots": "4"}, *RECEIPTS_OFF)
    house.serve(now="2025-09-08T08:00:00-05:00")
    netflix = house.api.service("Netflix", 1299)
    for n, ends in enumerate(("2025-09-08", "2025-09-11", "2025-09-20", "2025-09-30")):
        client = house.api.client(f"Cliente {n}", f"+59398400000{n}")
        house.api.subscription(client, netflix, ends, starts_on="2025-08-09")
    house.api.subscription(house.api.client("Sin Número"), netflix, "2025-09-15", starts_on="2025-08-09")
    return house


def counts(house):
    return [house.sql(f"SELECT count(*), max(id) FROM {t}")[0] for t in
            ("message", "notice", "batch", "contact", "audit", "job", "subscription")]


def test_foretelling_leaves_no_trace(shop):
    before = counts(shop)
    whole = shop.sql("SELECT * FROM meta ORDER BY key")
    for _ in range(3):
        assert shop.api.get("forecast?days=30")["leaving"] == 12
    shop.run("forecast", now="2025-09-08T08:00:00-05:00")
    after = counts(shop)
    before[4] = after[4]                                # a token was made to ask with
    assert after == before and shop.sql("SELECT * FROM meta ORDER BY key") == whole
    assert shop.sql("SELECT DISTINCT state FROM subscription") == [("active",)]
    assert "renewals.planned" not in shop.log() and "db.bug" not in shop.log()
    assert shop.standin.received() == []


def test_what_changes_meanwhile_is_in_the_next_look(shop):
    first = shop.api.get("forecast?text=1&limit=1000")
    assert first["leaving"] == 12 and {r["skip_reason"] for r in first["data"]} == {"", "no_phone"}
    one = shop.api.all("subscriptions", q="Cliente 0")[0]
    shop.run("renewals", "renew", one["id"], "--no-confirmation")
    page = shop.panel(lang="en")
    page.post("/texts/renewals.stage.7", body="Falta una semana, {cliente}.")
    second = shop.api.get("forecast?text=1&limit=1000")
    told = {(r["planned_on"], r["who"], r["days"]) for r in second["data"] if not r["is_skipped"]}
    assert ("2025-09-08", "Cliente 0", 0) not in told and ("2025-10-01", "Cliente 0", 7) in told
    assert {r["text"] for r in second["data"] if r["who"] == "Cliente 3" and r["days"] == 7} == {
        "Falta una semana, Cliente 3."}


def test_what_waits_already_and_a_paused_schedule_are_told(shop):
    panel = shop.panel(lang="en")
    panel.post("/channels/whatsapp/stop")
    shop.run("renewals", "run")
    told = shop.api.get("forecast?limit=1000")
    waiting = [r for r in told["data"] if r["kind"] == "waiting"]
    assert {r["address"] for r in waiting} == {"+593984000000", "+593984000001"}
    assert [r for r in told["data"] if r["planned_on"] == "2025-09-08" and r["kind"] != "waiting"] == []
    schedule = [s for s in shop.api.all("schedules") if s["name"] == "renewals.daily"][0]
    shop.api.patch(f"schedules/{schedule['id']}", is_enabled=False)
    page = text_of(panel.page("/forecast"))
    assert "Renewal notices: paused" in page and "WhatsApp is stopped" in page
    assert {r["kind"] for r in shop.api.get("forecast?limit=1000")["data"]} == {"waiting"}


def test_each_shape_says_the_same(shop):
    told = shop.api.get("forecast?days=14&limit=1000")
    panel = shop.panel(lang="en")
    page = text_of(panel.page("/forecast?days=14"))
    assert f"{told['leaving']} Leave" in page and f"{told['skipped']} Left out" in page
    for name in ("Cliente 1", "Cliente 2", "no phone"):
        assert name in page
    rows = list(csv.DictReader(io.StringIO(panel.send("GET", "/forecast.csv?days=14").text)))
    assert [(r["Customer"], int(r["Days before"])) for r in rows] == [(r["who"], r["days"]) for r in told["data"]]
    book = panel.send("GET", "/forecast.xlsx?days=14")
    assert book.status == 200 and zipfile.ZipFile(io.BytesIO(book.body)).testzip() is None
    assert sum(d["leaving"] for d in told["days"]) == told["leaving"] == len([r for r in rows if r["State"] == "Leaves"])


def test_a_list_is_narrowed_and_turned_over(shop):
    api = shop.api
    assert {r["who"] for r in api.get("forecast?q=cliente%202")["data"]} == {"Cliente 2"}
    assert {r["planned_on"] for r in api.get("forecast?on=2025-09-13")["data"]} == {"2025-09-13"}
    assert {r["days"] for r in api.get("forecast?before=3")["data"]} == {3}
    assert {r["skip_reason"] for r in api.get("forecast?what=skipped")["data"]} == {"no_phone"}
    assert api.get("forecast?module=waiting")["data"] == []
    seen, cursor = [], ""
    while cursor is not None:
        answer = api.get(f"forecast?limit=5&cursor={cursor}")
        seen += answer["data"]
        cursor = answer["next"]
    assert seen == api.get("forecast?limit=1000")["data"] and len(seen) == 16


def test_a_seller_sees_what_is_foretold_for_their_own_customers_only(shop):
    shop.add_user("rosa", "seller")
    rosa = [u for u in shop.api.all("users") if u["name"] == "rosa"][0]
    one = [c for c in shop.api.all("clients") if c["given_names"] == "Cliente 3"][0]
    shop.api.patch(f"clients/{one['id']}", owner_id=rosa["id"])
    page = text_of(Panel(shop, "rosa", lang="en").page("/forecast"))
    assert "Cliente 3" in page and "Cliente 1" not in page and "4 Leave" in page


def test_days_that_are_none_get_a_sentence(shop):
    panel = shop.panel(lang="en")
    for days in ("0", "91", "treinta", "-1", "1e1", "9999999999999999999"):
        reply = shop.api.call("GET", f"forecast?days={days}")
        assert reply.status == 400 and "days" in reply.json["error"]["fields"]
        assert days in reply.json["error"]["message"] and "90" in reply.json["error"]["message"]
        done = shop.call("forecast", "--days", days)
        assert done.returncode == 2 and "90" in done.stderr
        page = panel.send("GET", f"/forecast?days={days}")
        assert page.status == 400 and "is not a number of days" in page.text
    for days in (1, 90):
        assert shop.api.get(f"forecast?days={days}")["from_on"] == "2025-09-08"
        assert panel.send("GET", f"/forecast?days={days}").status == 200
        shop.run("forecast", "--days", days)


def test_a_large_forecast_is_counted_by_a_job_and_kept(shop):
    panel = shop.panel(lang="en")
    page = text_of(panel.post("/forecast/count", days="30"))
    assert "The forecast is being counted." in page
    wait_until(lambda: [j for j in shop.api.all("jobs") if j["kind"] == "forecast.count" and j["state"] == "done"], "the job")
    assert (shop.state / "spool" / "forecast").stat().st_mode & 0o077 == 0
    (shop.state / "spool" / "forecast").write_bytes(b"RCDFORE1" + bytes(500))      # damaged: counted anew
    assert shop.api.get("forecast")["leaving"] == 12
