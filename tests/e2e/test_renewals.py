"""Selling, renewing, cancelling, reminding: what an owner does between two runs (spec §3, §4, §5.5, §10)."""
import re

import pytest

from house import wait_until

DAY = "2025-09-08T10:00:00-05:00"
ANA = "+593986500001"


@pytest.fixture
def shop(village):
    house, standin = village.pair({}, "--delivered-ms", "-1", "--read-ms", "-1")
    house.serve(now=DAY)
    house.netflix = house.api.service("Netflix", 1299)
    house.ana = house.api.client("Ana", ANA)
    return house, standin


def sell(house, ends_on="2025-09-20", **more):
    more.setdefault("starts_on", "2025-08-20")
    return house.api.subscription(house.ana, house.netflix, ends_on, **more)


def now(house, row):
    return house.api.get("subscriptions/" + row["id"])


@pytest.mark.parametrize("period, days, ends_on", [
    ("monthly", 30, "2025-10-08"), ("quarterly", 90, "2025-12-07"), ("semiannual", 180, "2026-03-07"),
    ("annual", 365, "2026-09-08")])
def test_a_period_of_each_kind_counts_in_days(shop, period, days, ends_on):
    house, _ = shop
    service = house.api.service("Plan " + period, 1000, period=period)
    row = house.api.post("subscriptions", client_id=house.ana["id"], service_id=service["id"])
    assert (row["starts_on"], row["ends_on"], row["period_days"], row["price_cents"]) == ("2025-09-08", ends_on, days, 1000)


@pytest.mark.parametrize("period, starts_on, ends_on", [
    ("monthly", "2025-09-08", "2025-10-08"), ("monthly", "2026-01-31", "2026-02-28"),
    ("quarterly", "2025-11-30", "2026-02-28"), ("annual", "2028-02-29", "2029-02-28")])
def test_a_month_can_be_a_month_of_the_calendar(village, period, starts_on, ends_on):
    house = village.house({"renewals.period_mode": "calendar"})
    house.serve(now=starts_on + "T10:00:00-05:00")
    service, client = house.api.service("Plan", 1000, period=period), house.api.client("Ana", ANA)
    row = house.api.post("subscriptions", client_id=client["id"], service_id=service["id"])
    assert row["ends_on"] == ends_on


def test_dates_as_given_are_kept_and_wrong_ones_refused(shop):
    house, _ = shop
    assert sell(house, "2025-12-24", starts_on="2025-09-01")["ends_on"] == "2025-12-24"
    for more in ({"ends_on": "2025-08-01", "starts_on": "2025-08-02"}, {"ends_on": "2025-02-31"}, {"price_cents": -1}):
        reply = house.api.call("POST", "subscriptions", {"client_id": house.ana["id"], "service_id": house.netflix["id"],
                                                         **more})
        assert reply.status == 400 and reply.json["error"]["fields"], more


def test_a_customer_comes_with_several_services_or_not_at_all(shop):
    house, _ = shop
    hbo = house.api.service("HBO Max", 999)
    panel = house.panel()
    wrong = panel.send("POST", "/clients/new", {"csrf": panel.csrf(), "given_names": "Bea", "phone": "0986500002",
                                                "service": [house.netflix["id"], hbo["id"]], "starts_on": ["", "2025-09-08"],
                                                "ends_on": ["", "2025-09-01"], "price": ["", ""]})
    assert wrong.status == 422 and len(house.api.all("clients")) == 1
    panel.post("/clients/new", given_names="Bea", phone="0986500002", service=[house.netflix["id"], hbo["id"]],
               starts_on=["", ""], ends_on=["", "2025-12-31"], price=["", "8.50"])
    rows = {s["price_cents"]: s["ends_on"] for s in house.api.all("subscriptions")}
    assert rows == {1299: "2025-10-08", 850: "2025-12-31"}


def test_renewing_on_the_page_with_its_payment_and_a_double_click_renews_once(shop):
    house, _ = shop
    row, panel = sell(house), house.panel()
    page = panel.page(f"/subscriptions/{row['id']}/renew")
    assert "20/10/2025" in page                          # shown before anything is done
    key = re.search(r'name="key" value="([^"]+)"', page).group(1)
    form = {"csrf": panel.csrf(), "key": key, "periods": "2", "price": "12.99", "payment_method": "transfer",
            "payment_reference": "T-77", "payment_state": "completed"}
    for _ in range(3):
        assert panel.send("POST", f"/subscriptions/{row['id']}/renew", form).status == 303
    assert now(house, row)["ends_on"] == "2025-11-19"
    payment, = house.api.all("payments")
    assert (payment["amount_cents"], payment["method"], payment["reference"], payment["state"]) == (2598, "transfer", "T-77", "completed")
    assert now(house, row)["payment_status"] == "paid"
    assert payment["id"] in panel.page("/payments") and "$25.98" in panel.page(f"/payments/{payment['id']}/receipt")


@pytest.mark.parametrize("periods", ["0", "13", "-1", "x"])
def test_too_many_periods_are_refused(shop, periods):
    house, _ = shop
    row = sell(house)
    done = house.call("renewals", "renew", row["id"], "--periods", periods)
    assert done.returncode == 2 and now(house, row)["ends_on"] == "2025-09-20"


def test_a_renewal_can_be_taken_back_for_a_day_and_not_later(shop):
    house, _ = shop
    row, panel = sell(house), house.panel()
    house.run("renewals", "renew", row["id"], "--payment", "cash", "--no-confirmation")
    panel.post(f"/subscriptions/{row['id']}/undo-renewal", confirmed="1")
    assert now(house, row)["ends_on"] == "2025-09-20"
    assert [p["state"] for p in house.api.all("payments")] == ["cancelled"]
    house.run("renewals", "renew", row["id"], "--no-confirmation")
    house.run("renewals", "gateway", now="2025-09-09T10:05:00-05:00")
    reply = house.api.call("POST", f"subscriptions/{row['id']}/undo-renewal", {})
    assert reply.status == 409 and now(house, row)["ends_on"] == "2025-10-20"


def test_cancelled_at_its_end_it_runs_on_without_notices(shop):
    house, standin = shop
    row, panel = sell(house, "2025-09-08"), house.panel()
    panel.post(f"/subscriptions/{row['id']}/cancel", mode="at_end", reason="se mudó")
    assert now(house, row)["state"] == "active"
    assert house.run_today()["total_sent"] == 0 and standin.received() == []
    house.stop()
    house.serve(now="2025-09-09T08:10:00-05:00")
    house.run("renewals", "run")
    assert (now(house, row)["state"], now(house, row)["cancel_reason"]) == ("cancelled", "se mudó")
    house.run("renewals", "renew", row["id"], "--no-confirmation")      # reactivated by renewing
    again = now(house, row)
    assert (again["state"], again["starts_on"], again["cancelled_at"]) == ("active", "2025-09-09", None)


def test_who_has_an_active_subscription_is_not_archived(shop):
    house, _ = shop
    row = sell(house)
    for path in (f"clients/{house.ana['id']}", f"services/{house.netflix['id']}"):
        reply = house.api.call("DELETE", path)
        assert reply.status == 409 and reply.json["error"]["message"], path
    house.api.post(f"subscriptions/{row['id']}/cancel-now")
    assert house.api.call("DELETE", f"clients/{house.ana['id']}").status == 200
    assert house.api.all("clients") == []


def test_a_reminder_by_hand_says_the_true_days_and_leaves_once_in_ten_minutes(shop):
    house, standin = shop
    row, panel = sell(house, "2025-09-13"), house.panel()
    token = panel.csrf()

    def remind():
        return panel.send("POST", f"/subscription/{row['id']}/send-reminder/", {"csrf": token})

    first, second = remind(), remind()
    assert (first.status, first.json["success"], first.json["phone"], first.json["days_remaining"]) == (200, True, ANA, 5)
    assert second.status == 429 and second.json["success"] is False and second.json["error"]
    wait_until(lambda: standin.accepted(ANA), "the reminder")
    assert "termina en 5 días." in standin.accepted(ANA)[0]["body"]
    house.run("renewals", "gateway", now="2025-09-08T10:15:00-05:00")
    assert remind().status == 200
    wait_until(lambda: len(standin.accepted(ANA)) == 2, "the second one")
    assert panel.send("POST", f"/subscription/{row['id']}/send-reminder/").status == 403


def test_a_reminder_after_the_end_says_that_it_has_ended(shop):
    house, standin = shop
    row = sell(house, "2025-09-08")
    house.stop()
    house.serve(now="2025-09-11T08:10:00-05:00")
    house.run("renewals", "run", "--wait")
    assert standin.received() == []
    house.api.post(f"subscriptions/{row['id']}/remind")
    wait_until(lambda: standin.accepted(ANA), "the reminder")
    assert "terminó el 08/09/2025." in standin.accepted(ANA)[0]["body"]


def test_a_reminder_by_hand_does_not_use_up_the_days_notice(shop):
    house, standin = shop
    row = sell(house, "2025-09-08")
    house.api.post(f"subscriptions/{row['id']}/remind")
    assert house.run_today()["total_sent"] == 1
    wait_until(lambda: len(standin.accepted(ANA)) == 2, "both")
    assert sorted(n["origin"] for n in house.notices()) == ["auto", "manual"]


def test_an_unpaid_period_is_reminded_of_once_when_that_is_wanted(village):
    house, standin = village.pair({"renewals.payment_reminder_days": "3"}, "--delivered-ms", "-1", "--read-ms", "-1")
    house.serve(now="2025-09-08T08:10:00-05:00")
    service = house.api.service()
    for n, paid in enumerate(("pending", "paid")):
        client = house.api.client("C", f"+59398650010{n}")
        house.api.subscription(client, service, "2025-10-05", starts_on="2025-09-05", payment_status=paid)
    house.run("renewals", "run", "--wait")
    house.run("renewals", "run", "--wait")
    wait_until(lambda: standin.accepted(), "the reminder")
    assert [(r["to"], "no registramos el pago" in r["body"]) for r in standin.accepted()] == [("+593986500100", True)]


def test_the_owners_own_text_is_used_and_a_wrong_name_in_it_refused(shop):
    house, standin = shop
    sell(house, "2025-09-08")
    panel = house.panel()
    page = panel.send("POST", "/texts/renewals.stage.0", {"csrf": panel.csrf(), "body": "Hola {clinte}", "save": "1"})
    assert page.status == 422 and "clinte" in page.text and "cliente" in page.text
    panel.post("/texts/renewals.stage.0", body="Chao {cliente}: {servicio} a {precio}", save="1")
    house.run_today()
    assert [r["body"] for r in standin.accepted(ANA)] == ["Chao Ana: Netflix a $12.99"]


def test_two_customers_with_one_number_are_told_to_whoever_types_it(shop):
    house, _ = shop
    panel = house.panel()
    page = panel.post("/clients/new", given_names="Bea", phone="098 650 0001", service="", starts_on="", ends_on="", price="")
    assert "Ana" in page or "Ana" in panel.page("/clients?q=bea")
    assert len(house.api.all("clients")) == 2


def test_every_change_is_in_the_history_with_who_and_when(shop):
    house, _ = shop
    panel = house.panel("dora")
    panel.post(f"/clients/{house.ana['id']}/edit", given_names="Ana María", surnames="Vera", phone=ANA, is_active="1")
    page = panel.page(f"/clients/{house.ana['id']}/history")
    assert "dora" in page and "Ana María" in page and "08/09/2025" in page
