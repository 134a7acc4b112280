"""The pages of the renewals beyond its lists: new customer, renew, cancel, remind, runs, figures, receipt (spec §3, §5.5,
§8, §10–§13)."""
import re

import pytest

from house import Api, request, text_of, wait_until

DAY = "2025-09-08T10:00:00-05:00"


@pytest.fixture
def house(village):
    made = village.house()
    made.serve(now=DAY)
    made.netflix = made.api.service("Netflix", 1299)
    made.disney = made.api.service("Disney+", 799)
    return made


@pytest.fixture
def owner(house):
    return house.panel()


def subscribe(house, name="María", ends_on="2025-09-20", phone="0990000001", **more):
    client = house.api.client(name, phone)
    return house.api.subscription(client, house.netflix, ends_on, starts_on="2025-08-08", **more)


def send(panel, path, **form):
    return panel.send("POST", path, {"csrf": panel.csrf(), **form})


# --- a customer with services in one step -------------------------------------------------------------------

def test_a_customer_comes_with_two_services_in_one_step(house, owner):
    page = owner.post("/clients/new", given_names="Zoila", surnames="Vera", phone="099 123 4567",
                      service=[house.netflix["id"], house.disney["id"], ""], starts_on=["2025-09-08", "2025-09-01", "2025-09-08"],
                      ends_on=["", "2025-09-30", ""], price=["", "5,50", ""])
    assert "con 2 suscripciones" in text_of(page) and "+593 99 123 4567" in text_of(page)
    rows = {r["service_name"]: r for r in house.api.all("subscriptions")}
    assert (rows["Netflix"]["starts_on"], rows["Netflix"]["ends_on"], rows["Netflix"]["price_cents"]) == \
        ("2025-09-08", "2025-10-08", 1299)
    assert (rows["Disney+"]["ends_on"], rows["Disney+"]["price_cents"]) == ("2025-09-30", 550)


def test_one_wrong_line_stores_nothing_and_says_which(house, owner):
    reply = send(owner, "/clients/new", given_names="Zoila", service=[house.netflix["id"], house.disney["id"]],
                 starts_on=["2025-09-08", "2025-09-08"], ends_on=["", "2025-09-01"])
    assert reply.status == 422
    assert 'id="e-ends_on-2"' in reply.text and 'id="e-ends_on-1"' not in reply.text
    assert 'value="Zoila"' in reply.text                  # what was typed stays
    assert house.api.all("clients") == [] and house.api.all("subscriptions") == []


def test_more_lines_come_without_losing_what_was_typed(house, owner):
    reply = send(owner, "/clients/new", given_names="Zoila", more="1", service=[house.netflix["id"], ""],
                 starts_on=["2025-09-08", ""], ends_on=["2025-12-31", ""])
    assert reply.status == 200 and reply.text.count("<legend>") == 4
    assert 'value="Zoila"' in reply.text and 'value="2025-12-31"' in reply.text
    assert house.api.all("clients") == []


def test_a_program_sends_customer_and_services_at_once(house):
    made = house.api.post("clients/new", nombres="Zoila", telefono="0991234567",
                          servicios=[{"servicio": "netflix"}, {"service": "Disney+", "precio": "5.00"}])
    assert [s["price_cents"] for s in made["subscriptions"]] == [1299, 500]
    reply = house.api.call("POST", "clients/new", {"nombres": "Otra", "services": [{"service": "netflix"},
                                                                                 {"service": "nada", "ends_on": "ayer"}]})
    assert reply.status == 400
    assert set(reply.json["error"]["fields"]) == {"services.1.service", "services.1.ends_on"}
    assert len(house.api.all("clients")) == 1


def test_the_same_number_is_told_with_the_other_name(house, owner):
    house.api.client("Ana Peña", "0991234567")
    page = text_of(owner.post("/clients/new", given_names="Luz", phone="+593 99 123 4567"))
    assert "el mismo número es de Ana Peña" in page
    assert "El mismo número es de: Ana Peña" in page       # and stays told on the customer's page


# --- renew --------------------------------------------------------------------------------------------------

def test_the_new_last_day_stands_on_the_page_before_confirming(house, owner):
    row = subscribe(house)
    page = text_of(owner.page(f"/subscriptions/{row['id']}/renew"))
    assert "1 período: hasta el 20/10/2025 · $12.99" in page and "12 períodos: hasta el 15/09/2026 · $155.88" in page
    assert house.api.get("subscriptions/" + row["id"])["ends_on"] == "2025-09-20"


def test_a_double_click_renews_and_charges_once(house, owner):
    row = subscribe(house)
    path = f"/subscriptions/{row['id']}/renew"
    key = re.search(r'name="key" value="([^"]+)"', owner.page(path)).group(1)
    for _ in range(2):
        page = owner.post(path, periods="2", payment_method="transfer", payment_state="completed",
                          payment_reference="TR-7", key=key)
        assert "Renovada hasta el 19/11/2025." in text_of(page)
    payments = house.api.all("payments")
    assert [(p["amount_cents"], p["method"], p["state"], p["reference"]) for p in payments] == \
        [(2598, "transfer", "completed", "TR-7")]
    now = house.api.get("subscriptions/" + row["id"])
    assert (now["ends_on"], now["payment_status"], now["state"]) == ("2025-11-19", "paid", "active")


def test_what_does_not_fit_comes_back_at_its_field(house, owner):
    row = subscribe(house)
    path = f"/subscriptions/{row['id']}/renew"
    for field, value in {"periods": "13", "price": "mucho", "payment_method": "oro", "payment_amount": "-1"}.items():
        reply = send(owner, path, **{"periods": "1", field: value})
        assert reply.status == 422, field
        assert re.search(rf'id="f-{field}-error">[^<]+<', reply.text), field
    assert house.api.get("subscriptions/" + row["id"])["ends_on"] == "2025-09-20"


def test_the_owner_undoes_a_renewal_and_a_seller_cannot(house, owner):
    seller = house.panel("vera", "seller")
    seller.post("/clients/new", given_names="Luz", phone="0990000009", service=[house.netflix["id"]],
                starts_on=["2025-09-08"], ends_on=["2025-09-20"])
    row = house.api.all("subscriptions")[0]
    seller.post(f"/subscriptions/{row['id']}/renew", periods="1", payment_method="cash")
    assert send(seller, f"/subscriptions/{row['id']}/undo-renewal").status == 403
    assert "undo-renewal" not in seller.page("/subscriptions/" + row["id"])
    owner.post(f"/subscriptions/{row['id']}/undo-renewal")
    now = house.api.get("subscriptions/" + row["id"])
    assert (now["ends_on"], now["payment_status"]) == ("2025-09-20", "pending")
    assert [p["state"] for p in house.api.all("payments")] == ["cancelled"]


def test_a_seller_sees_no_price_field_and_sets_no_price(house):
    seller = house.panel("vera", "seller")
    seller.post("/clients/new", given_names="Luz", service=[house.netflix["id"]], starts_on=["2025-09-08"], ends_on=[""])
    path = f"/subscriptions/{house.api.all('subscriptions')[0]['id']}/renew"
    assert 'name="price"' not in seller.page(path)
    assert send(seller, path, periods="1", price="1").status == 422
    assert house.api.all("subscriptions")[0]["price_cents"] == 1299


def test_a_program_previews_and_renews_with_its_key(house):
    row = subscribe(house, ends_on="2025-09-01")
    path = f"subscriptions/{row['id']}/renew"
    assert house.api.get(path + "?periods=3")["ends_on"] == "2025-12-07"
    for _ in range(2):
        reply = house.api.call("POST", path, {"periods": 3, "price": "10.00", "payment": {"method": "cash"}},
                               {"Idempotency-Key": "una-vez"})
        assert (reply.status, reply.json["starts_on"], reply.json["ends_on"]) == (200, "2025-09-08", "2025-12-07")
    assert [p["amount_cents"] for p in house.api.all("payments")] == [3000]
    assert house.api.get("subscriptions/" + row["id"])["price_cents"] == 1000


# --- cancel -------------------------------------------------------------------------------------------------

def test_cancelled_at_its_end_it_stays_active_and_can_come_back(house, owner):
    row = subscribe(house)
    page = text_of(owner.post(f"/subscriptions/{row['id']}/cancel", mode="at_end", reason="se muda"))
    assert "termina en su último día" in page and "Cancelada al vencer" in page and "Reactivar" in page
    assert house.api.get("subscriptions/" + row["id"])["state"] == "active"
    owner.post(f"/subscriptions/{row['id']}/renew", periods="1")
    now = house.api.get("subscriptions/" + row["id"])
    assert (now["state"], now["cancel_at_end"], now["cancel_reason"]) == ("active", False, "")


def test_cancelled_now_with_its_reason_and_not_twice(house, owner):
    row = subscribe(house)
    owner.post(f"/subscriptions/{row['id']}/cancel", mode="now", reason="ya no la usa")
    now = house.api.get("subscriptions/" + row["id"])
    assert (now["state"], now["cancel_reason"]) == ("cancelled", "ya no la usa")
    assert send(owner, f"/subscriptions/{row['id']}/cancel", mode="now").status == 422


# --- remind -------------------------------------------------------------------------------------------------

def test_the_old_address_of_the_reminder_answers_as_before(house, owner):
    row = subscribe(house, ends_on="2025-09-11")
    address = f"/subscription/{row['id']}/send-reminder/"
    first = send(owner, address)
    assert (first.status, first.json["success"], first.json["phone"], first.json["days_remaining"]) == \
        (200, True, "+593990000001", 3)
    again = send(owner, address)
    assert (again.status, again.json["success"]) == (429, False) and again.json["error"]
    assert owner.send("POST", address).status == 403      # no token of the form, no message
    nobody = request(house.address, "POST", address)
    assert nobody.status in (303, 401, 403)
    notice = house.api.all("notices")[0]
    assert (notice["origin"], notice["created_by"], notice["stage"]) == ("manual", "ana", 3)


def test_without_a_number_the_reminder_says_so(house, owner):
    row = subscribe(house, phone=None)
    reply = send(owner, f"/subscription/{row['id']}/send-reminder/")
    assert (reply.status, reply.json) == (400, {"success": False, "error": "Cliente no tiene teléfono registrado."})


def test_a_failed_notice_is_sent_again_as_a_new_message(village):
    house, standin = village.pair({}, "--delivered-ms", "-1", "--read-ms", "-1")
    house.serve(now=DAY)
    house.netflix = house.api.service("Netflix", 1299)
    row = subscribe(house, ends_on="2025-09-08")
    standin.set(magic={"+593990000001": "422"})
    house.run("renewals", "run")
    failed = wait_until(lambda: house.api.all("notices", state="failed"), "the refusal")[0]
    standin.set(magic={"+593990000001": None})
    house.api.post(f"notices/{failed['id']}/retry")
    sent = wait_until(lambda: house.api.all("notices", state="sent"), "the second message")[0]
    assert sent["id"] == failed["id"] and sent["subscription_id"] == row["id"]
    assert len(house.messages()) == 2
    assert house.api.call("POST", f"notices/{failed['id']}/retry", {}).status == 409


# --- runs, figures, receipt ---------------------------------------------------------------------------------

def test_the_button_starts_the_run_and_the_page_shows_it(house, owner):
    subscribe(house, ends_on="2025-09-08")
    owner.post("/renewals/runs")
    run = wait_until(lambda: [r for r in house.api.get("renewals/runs")["runs"] if r["total_sent"] == 1], "the run")[0]
    assert [(r["days"], r["found"], r["sent"]) for r in run["results"]] == [(7, 0, 0), (3, 0, 0), (1, 0, 0), (0, 1, 1)]
    assert "0 d 1/1" in text_of(owner.page("/renewals/runs"))


def test_figures_per_day_are_page_json_and_csv_of_the_same(house, owner):
    subscribe(house, ends_on="2025-09-08")
    subscribe(house, "Luz", "2025-09-08", None)
    house.run("renewals", "run", "--wait")
    day = house.api.get("renewals/stats")["data"][0]
    assert (day["local_on"], day["found"], day["sent"], day["skipped"], day["success_percent"]) == ("2025-09-08", 2, 1, 1, 50)
    assert "08/09/2025" in text_of(owner.page("/renewals/stats"))
    lines = owner.page("/renewals/stats.csv").splitlines()
    assert lines[0].startswith("Fecha,Encontrados,Enviados") and lines[1].startswith("2025-09-08,2,1,")
    assert owner.send("GET", "/renewals/stats?from=2025-09-08&to=2025-09-01").status == 400


def test_a_year_month_by_month_counts_what_came_in(house, owner):
    row = subscribe(house)
    house.api.post("payments", subscription_id=row["id"], amount="12.99", paid_at="2025-08-20T10:00:00-05:00")
    house.api.post("payments", subscription_id=row["id"], amount="5", state="pending")
    months = {m["month"]: m for m in house.api.get("renewals/months")["months"]}
    assert len(months) == 12 and list(months)[-1] == "2025-09"
    assert (months["2025-08"]["received_cents"], months["2025-09"]["received_cents"]) == (1299, 0)
    assert months["2025-09"]["new_subscriptions"] == 1
    assert "agosto de 2025" in text_of(owner.page("/renewals/months"))


def test_the_receipt_says_who_paid_what_for(house, owner):
    row = subscribe(house)
    payment = house.api.post("payments", subscription_id=row["id"], method="transfer", reference="TR-1")
    page = text_of(owner.page(f"/payments/{payment['id']}/receipt"))
    assert "Recibo 000001" in page and "María" in page and "$12.99" in page and "TR-1" in page
    house.api.post(f"payments/{payment['id']}/refund")
    page = text_of(owner.page(f"/payments/{payment['id']}/receipt"))
    assert "Recibo 000001" in page and "Devuelto : 08/09/2025" in page      # the number stays
    awaited = house.api.post("payments", subscription_id=row["id"], state="pending")
    assert "no es un recibo" in text_of(owner.page(f"/payments/{awaited['id']}/receipt"))


def test_the_token_for_an_outside_scheduler_is_made_and_shown_once(house, owner):
    page = owner.post("/renewals/cron-help")
    token = re.search(r"Authorization: Bearer ([a-z2-7]{52})<", page).group(1)
    assert token not in owner.page("/renewals/cron-help")
    reply = request(house.address, "POST", "/cron/notifications/?wait=1", headers={"Authorization": "Bearer " + token})
    assert reply.status == 200 and reply.json["success"] is True
    assert token in house.config.read_text()
    reader = house.panel("lea", "reader")
    assert send(reader, "/renewals/cron-help").status == 403


def test_the_home_cards_are_figures_for_programs_too(house):
    subscribe(house, ends_on="2025-09-12")
    subscribe(house, "Luz", "2025-09-01", "042000018")
    cards = {f["name"]: f["card"] for f in house.api.get("")["figures"]}
    business = cards["renewals_business"]
    assert (business["customers"], business["active"], business["expiring"], business["monthly_total_cents"]) == (2, 1, 1, 1299)
    assert cards["renewals_month"]["overdue"] == 1 and cards["renewals_attention"]["no_phone"] == 1
    few = Api(house, house.token("few", "clients.view,subscriptions.view"))
    assert {f["name"]: f["card"] for f in few.get("")["figures"]}["renewals_business"]["customers"] == 0


def test_the_made_up_customers_come_once_and_every_stage_is_due(village):
    house = village.house()
    for _ in range(2):
        house.run("demo")
    out = house.run("renewals", "run", "--dry-run", json_out=True)
    assert {r["days"]: r["would_send"] >= 3 for r in out["results"]} == {7: True, 3: True, 1: True, 0: True}
    house.serve()
    assert len(house.api.all("clients")) == 40 and len(house.api.all("services")) == 5
