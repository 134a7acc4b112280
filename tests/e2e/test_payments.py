"""Money, by the people who take it: charge, how to pay, complete, receipt, refund, undo, money by day, roles, many
at once (spec renewals §1, §4, §10, §11, §15)."""
import concurrent.futures
import csv
import io
import re
import urllib.parse

import pytest

from house import Api, text_of, wait_until

DAY = "2025-09-08T10:00:00-05:00"


@pytest.fixture
def house(village):
    made = village.house({"renewals.payment_cash_text": r"Av. Amazonas 123\nLunes a viernes de 9 a 18",
                          "renewals.payment_transfer_text": r"Banco del Sur\nAhorros 123-456"})
    made.serve(now=DAY)
    made.netflix = made.api.service("Netflix", 1299)
    made.disney = made.api.service("Disney+", 799)
    return made


@pytest.fixture
def owner(house):
    return house.panel()


def subscribe(house, name="María", ends_on="2025-09-20", phone="0990000001", **more):
    client = house.api.client(name, phone)
    return house.api.subscription(client, house.netflix, ends_on, starts_on="2025-08-21", **more)


def send(panel, path, **form):
    return panel.send("POST", path, {"csrf": panel.csrf(), **form})


def key_of(page):
    return re.search(r'name="key" value="([^"]+)"', page).group(1)


def payments(house):
    return {p["id"]: p for p in house.api.all("payments")}


# --- charge -------------------------------------------------------------------------------------------------

def test_a_new_subscription_is_sold_against_a_transfer(house, owner):
    client = house.api.client("Zoila Vera", "0990000001")
    assert "Zoila Vera" in text_of(owner.page("/checkout?q=zoila"))
    page = owner.page(f"/checkout?client={client['id']}")
    assert "no hay un proveedor conectado" in text_of(page)            # cards: off, and said
    page = text_of(owner.post("/checkout", client=client["id"], what="service:" + house.netflix["id"], periods="2",
                              method="transfer", key=key_of(page)))
    assert "Gracias" in page and "Solicitud 000001" in page and "Banco del Sur" in page and "$25.98" in page
    row, = house.api.all("subscriptions")
    assert (row["ends_on"], row["payment_status"], row["payment_method"]) == ("2025-11-07", "pending", "transfer")
    payment, = payments(house).values()
    assert (payment["state"], payment["amount_cents"], payment["receipt"], payment["covers_until"]) == \
        ("pending", 2598, "", "2025-11-07")


def test_a_renewal_waits_for_its_money_and_comes_with_it_once(house, owner):
    row = subscribe(house)
    page = owner.page(f"/checkout?subscription={row['id']}")
    assert "Renovar Netflix · hasta el 20/09/2025" in text_of(page)
    form = dict(client=row["client_id"], what="subscription:" + row["id"], periods="1", method="cash", key=key_of(page))
    for _ in range(2):                                                  # a double click makes one request
        assert "Av. Amazonas 123" in text_of(owner.post("/checkout", **form))
    payment, = payments(house).values()
    assert house.api.get("subscriptions/" + row["id"])["ends_on"] == "2025-09-20"
    page = owner.page(f"/payments/{payment['id']}/complete")
    assert "1 período: hasta el 20/10/2025" in text_of(page) and re.search(r'name="renew"[^>]* checked', page)
    first = send(owner, f"/payments/{payment['id']}/complete", asked="1", renew="1", periods="1")
    assert first.status == 303
    send(owner, f"/payments/{payment['id']}/complete", asked="1", renew="1", periods="1")
    now = house.api.get("subscriptions/" + row["id"])
    assert (now["ends_on"], now["payment_status"]) == ("2025-10-20", "paid")
    assert [(p["state"], p["receipt"]) for p in payments(house).values()] == [("completed", "000001")]


def test_a_program_charges_with_its_key_and_reads_how_to_pay(house):
    row = subscribe(house)
    for _ in range(2):
        reply = house.api.call("POST", "checkout", {"subscription": row["id"], "method": "transfer", "periods": 3},
                               {"Idempotency-Key": "una-vez"})
        assert (reply.status, reply.json["request"], reply.json["amount_cents"]) == (201, "000001", 3897)
        assert "Ahorros 123-456" in reply.json["instructions"] and "*000001*" in reply.json["instructions"]
    assert len(payments(house)) == 1
    done = house.api.post(f"payments/{reply.json['id']}/complete")     # what was asked for is renewed
    assert (done["row"]["state"], done["row"]["receipt"]) == ("completed", "000001")
    assert house.api.get("subscriptions/" + row["id"])["ends_on"] == "2025-12-19"


@pytest.mark.parametrize("wrong, field", [({"method": "card"}, "method"), ({"method": "oro"}, "method"),
                                          ({"periods": 13}, "periods"), ({"periods": "x"}, "periods"),
                                          ({"subscription": ""}, "subscription"),
                                          ({"subscription": "nada"}, "subscription"),
                                          ({"service": "SERVICE"}, "service"), ({"client": "nadie"}, "client"),
                                          ({"suscripcion": "x"}, "suscripcion"),
                                          ({"reference": "x" * 101}, "reference")],
                         ids=lambda v: v if isinstance(v, str) else "-".join(v))
def test_what_does_not_fit_is_told_at_its_field_and_stores_nothing(house, wrong, field):
    row = subscribe(house)
    wrong = {k: house.netflix["id"] if v == "SERVICE" else v for k, v in wrong.items()}
    reply = house.api.call("POST", "checkout", {"subscription": row["id"], "method": "cash", **wrong})
    assert reply.status == 400 and field in reply.json["error"]["fields"], reply
    assert payments(house) == {}


def test_everybody_presses_at_once_and_it_happens_once(house):
    rows = [subscribe(house, f"Cliente {n}", phone=f"09900000{n:02}") for n in range(6)]
    asked = [house.api.post("checkout", subscription=r["id"], method="cash")["id"] for r in rows]
    with concurrent.futures.ThreadPoolExecutor(12) as people:
        replies = list(people.map(lambda i: house.api.call("POST", f"payments/{i}/complete", {"renew": True}), asked * 4))
    assert {r.status for r in replies} <= {200, 409}
    assert sorted(p["receipt"] for p in payments(house).values()) == [f"{n:06}" for n in range(1, 7)]
    assert {s["ends_on"] for s in house.api.all("subscriptions")} == {"2025-10-20"}


# --- how to pay, receipts -----------------------------------------------------------------------------------

def test_how_to_pay_and_the_receipt_leave_once_each(village):
    house, standin = village.pair({"renewals.payment_cash_text": "Av. Amazonas 123"}, "--delivered-ms", "-1")
    house.serve(now=DAY)
    house.netflix = house.api.service("Netflix", 1299)
    owner, row = house.panel(), subscribe(house)
    made = house.api.post("checkout", subscription=row["id"], method="cash")
    path = f"/payments/{made['id']}"
    assert "va en camino" in text_of(owner.post(path + "/send-instructions"))
    assert send(owner, path + "/send-instructions").status == 409
    wait_until(lambda: len(standin.accepted("+593990000001")) == 1, "the instructions")
    assert standin.accepted("+593990000001")[0]["body"] == made["instructions"]
    assert "Enviado al cliente" in text_of(owner.page(path + "/instructions"))
    assert "/send-instructions" not in owner.page(path + "/instructions")
    house.api.post(f"payments/{made['id']}/complete", renew=False)
    owner.post(path + "/send-receipt")
    wait_until(lambda: len(standin.accepted("+593990000001")) == 2, "the receipt")
    assert "Recibo *000001*" in standin.accepted("+593990000001")[1]["body"]
    assert house.api.get("subscriptions/" + row["id"])["ends_on"] == "2025-09-20"   # said: do not renew


def test_the_wording_is_the_owners(house, owner):
    row = subscribe(house)
    made = house.api.post("checkout", subscription=row["id"], method="cash")
    owner.post("/texts/renewals.pay.cash", body="Paga {{monto}} ({{numero}}) en:\n{{efectivo}}")
    page = owner.page(f"/payments/{made['id']}/instructions")
    assert "Paga $12.99 (000001) en:\nAv. Amazonas 123\nLunes a viernes de 9 a 18" in page
    reply = send(owner, "/texts/renewals.pay.cash", body="{{cuenta}}")
    assert reply.status == 422 and "cuenta" in text_of(reply.text)


def test_a_refund_keeps_the_number_and_reopens_the_period(house, owner):
    row = subscribe(house)
    payment = house.api.post("payments", subscription_id=row["id"])
    assert house.api.get("subscriptions/" + row["id"])["payment_status"] == "paid"
    assert "vuelve a estar pendiente" in text_of(owner.post(f"/payments/{payment['id']}/refund"))
    assert house.api.get("subscriptions/" + row["id"])["payment_status"] == "pending"
    page = text_of(owner.page(f"/payments/{payment['id']}/receipt"))
    assert "Recibo 000001" in page and "Devuelto : 08/09/2025" in page
    again = house.api.post("payments", subscription_id=row["id"])
    assert again["receipt"] == "000002" and again["covers_until"] == "2025-09-20"


# --- undo ---------------------------------------------------------------------------------------------------

def test_what_undoing_means_stands_on_the_page_before(house, owner):
    row = subscribe(house)
    owner.post(f"/subscriptions/{row['id']}/renew", periods="1", payment_method="cash", price="15")
    page = text_of(owner.page(f"/subscriptions/{row['id']}/undo-renewal"))
    assert "Su último día vuelve a ser el 20/09/2025, no el 20/10/2025." in page
    assert "Su precio vuelve a ser $12.99." in page
    assert "El pago de $15.00 queda anulado; su recibo 000001 conserva el número" in page
    owner.post(f"/subscriptions/{row['id']}/undo-renewal")
    payment, = payments(house).values()
    assert (payment["state"], payment["receipt"]) == ("cancelled", "000001")
    assert "Anulado" in text_of(owner.page(f"/payments/{payment['id']}/receipt"))
    assert "deshecho" in text_of(owner.page("/subscriptions/" + row["id"]))


# --- money by day -------------------------------------------------------------------------------------------

def test_the_days_money_is_page_json_csv_and_workbook_of_the_same(house, owner):
    row = subscribe(house)
    first = house.api.post("payments", subscription_id=row["id"], paid_at="2025-09-07T20:00:00-05:00")
    house.api.post("payments", subscription_id=row["id"], method="transfer", amount="5")
    house.api.post("payments", subscription_id=row["id"], state="pending")
    house.api.post(f"payments/{first['id']}/refund")
    rows = house.api.get("renewals/daily?from=2025-09-01")["data"]
    assert [(r["paid_on"], r["method"], r["received_cents"], r["refunded_cents"], r["total_cents"]) for r in rows] == \
        [("2025-09-08", "cash", 0, 1299, -1299), ("2025-09-08", "transfer", 500, 0, 500),
         ("2025-09-07", "cash", 1299, 0, 1299)]
    lines = list(csv.reader(io.StringIO(owner.page("/renewals/daily.csv?from=2025-09-01").lstrip("﻿"))))
    assert lines[0][0] == "Fecha" and lines[-1][1] == "Total" and lines[-1][-1] == "5.00"
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.load_workbook(io.BytesIO(owner.send("GET", "/renewals/daily.xlsx?from=2025-09-01").body))
    assert len(list(book.active.iter_rows())) == len(lines)
    page = text_of(owner.page("/renewals/daily?from=2025-09-01"))
    assert "07/09/2025" in page and "$5.00" in page
    for query in ("from=ayer", "from=2025-09-08&to=2025-09-01", "from=2020-01-01"):
        assert owner.send("GET", "/renewals/daily?" + query).status == 400, query


def test_the_list_of_payments_is_narrowed_by_everything_they_have(house):
    mine, other = subscribe(house), subscribe(house, "Luz", phone="0990000002")
    sold = house.api.subscription({"id": other["client_id"]}, house.disney, "2025-09-30")
    one = house.api.post("payments", subscription_id=mine["id"], method="cash", paid_at="2025-09-01T10:00:00-05:00")
    two = house.api.post("payments", subscription_id=sold["id"], method="transfer", reference="TR-9")
    three = house.api.post("payments", subscription_id=other["id"], state="pending")
    found = {name: {p["id"] for p in house.api.all("payments", **asked)} for name, asked in {
        "state": {"state": "pending"}, "method": {"method": "transfer"}, "client": {"client": mine["client_id"]},
        "service": {"service": house.disney["id"]}, "from": {"paid_from": "2025-09-02"},
        "to": {"paid_to": "2025-09-01"}, "name": {"q": "luz"}, "reference": {"q": "tr-9"}}.items()}
    assert found == {"state": {three["id"]}, "method": {two["id"]}, "client": {one["id"]}, "service": {two["id"]},
                     "from": {two["id"], three["id"]}, "to": {one["id"]}, "name": {two["id"], three["id"]},
                     "reference": {two["id"]}}


# --- who may ------------------------------------------------------------------------------------------------

def test_a_seller_takes_money_for_the_own_customers_and_nobody_elses(house, owner):
    theirs = subscribe(house, "De otro")
    payment = house.api.post("payments", subscription_id=theirs["id"], state="pending")
    seller = house.panel("vera", "seller")
    seller.post("/clients/new", given_names="Luz", service=[house.netflix["id"]], starts_on=["2025-09-08"],
                ends_on=["2025-09-20"])
    mine = next(s for s in house.api.all("subscriptions") if s["client_name"] == "Luz")
    assert "De otro" not in text_of(seller.page("/checkout?q=otro"))
    assert seller.send("GET", f"/checkout?client={theirs['client_id']}").status == 404
    for form in ({"client": theirs["client_id"], "what": "service:" + house.netflix["id"]},
                 {"client": mine["client_id"], "what": "subscription:" + theirs["id"]},
                 {"client": theirs["client_id"], "what": "subscription:" + mine["id"]}):
        assert send(seller, "/checkout", method="cash", **form).status in (404, 422), form
    assert send(seller, "/payments/new", subscription_id=theirs["id"]).status == 422
    assert send(seller, "/subscriptions/new", client_id=theirs["client_id"], service_id=house.netflix["id"]).status == 422
    for page in ("", "/receipt", "/instructions", "/complete"):
        assert seller.send("GET", f"/payments/{payment['id']}{page}").status == 404, page
    for step in ("complete", "cancel", "fail", "send-instructions"):
        assert send(seller, f"/payments/{payment['id']}/{step}").status == 404, step
    assert [p["id"] for p in payments(house).values()] == [payment["id"]]
    seller.post("/checkout", client=mine["client_id"], what="subscription:" + mine["id"], method="cash")
    own = next(p for p in payments(house).values() if p["id"] != payment["id"])
    seller.post(f"/payments/{own['id']}/complete", asked="1", renew="1")
    assert house.api.get("subscriptions/" + mine["id"])["ends_on"] == "2025-10-20"
    assert send(seller, f"/payments/{own['id']}/refund").status == 403
    assert payment["id"] not in seller.page("/payments") and "$12.99" in text_of(seller.page("/renewals/daily"))


def test_who_only_reads_changes_nothing(house):
    row = subscribe(house)
    payment = house.api.post("payments", subscription_id=row["id"], state="pending")
    reader = house.panel("lea", "reader")
    assert reader.send("GET", "/checkout").status == 403
    assert reader.page(f"/payments/{payment['id']}/instructions")
    for path in ("/checkout", *(f"/payments/{payment['id']}/{a}" for a in ("complete", "fail", "cancel", "refund",
                                                                          "send-instructions"))):
        assert send(reader, path).status == 403, path
    few = Api(house, house.token("few", "payments.view"))
    assert few.call("POST", f"payments/{payment['id']}/complete", {}).status == 403
    assert payments(house)[payment["id"]]["state"] == "pending"


# --- many at once -------------------------------------------------------------------------------------------

def test_many_at_once_say_how_many_and_which_could_not(house, owner):
    rows = [subscribe(house, f"Cliente {n}", phone=f"09900000{n:02}") for n in range(3)]
    asked = [house.api.post("checkout", subscription=r["id"], method="cash") for r in rows]
    ids = [a["id"] for a in asked]
    page = text_of(owner.send("POST", "/payments/actions/complete", {"csrf": owner.csrf(), "ids": ids}).text)
    assert "3" in page and all(p["state"] == "pending" for p in payments(house).values())   # asked first
    page = text_of(owner.post("/payments/actions/complete", ids=ids, confirmed="1"))
    assert sorted(p["receipt"] for p in payments(house).values()) == ["000001", "000002", "000003"]
    assert {s["ends_on"] for s in house.api.all("subscriptions")} == {"2025-10-20"}      # renewed, as asked for
    reply = house.api.call("POST", "payments/actions/complete", {"ids": ids})
    assert reply.json["failed"] == 3 and {s["ends_on"] for s in house.api.all("subscriptions")} == {"2025-10-20"}
    ids = [r["id"] for r in rows]
    again = house.api.call("POST", "subscriptions/actions/renew-one", {"ids": ids})       # a moment ago
    assert again.json["failed"] == 3 and "menos de un minuto" in again.json["message"]
    house.api.post("subscriptions/actions/cancel-now", ids=ids)
    assert {(s["state"], bool(s["cancelled_at"])) for s in house.api.all("subscriptions")} == {("cancelled", True)}


def test_lists_switch_customers_and_services_on_and_off(house, owner):
    row = subscribe(house)
    owner.post("/clients/actions/deactivate", ids=[row["client_id"]], confirmed="1")
    assert house.api.get("clients/" + row["client_id"])["is_active"] is False
    owner.post(f"/clients/{row['client_id']}/activate")
    assert house.api.get("clients/" + row["client_id"])["is_active"] is True
    house.api.post("services/actions/deactivate", ids=[house.netflix["id"], house.disney["id"]])
    assert {s["is_active"] for s in house.api.all("services")} == {False}
    assert house.api.call("POST", "subscriptions", {"client_id": row["client_id"],
                                                    "service_id": house.netflix["id"]}).status == 400


# --- the shell ----------------------------------------------------------------------------------------------

def test_the_shell_pays_renews_and_cancels(house):
    row = subscribe(house)
    said = house.run("renewals", "pay", row["id"], "--method", "transfer", "--reference", "TR-1", "--renew", "2")
    assert said == "Pagada con el recibo 000001; renovada hasta el 2025-11-19.\n"
    waiting = house.run("renewals", "pay", row["id"], "--amount", "5", "--pending", json_out=True)
    assert waiting == {"request": "000002", "receipt": "", "ends_on": ""}
    for wrong in (["--method", "oro"], ["--renew", "13"], ["--amount", "-1"], ["--oops"]):
        house.run("renewals", "pay", row["id"], *wrong, code=2)
    house.run("renewals", "renew", row["id"], "--payment", "oro", code=2)
    assert house.run("renewals", "cancel", row["id"], "--at-end", "--reason", "se muda", json_out=True)["at_end"]
    now = house.api.get("subscriptions/" + row["id"])
    assert (now["state"], now["cancel_at_end"], now["cancel_reason"]) == ("active", True, "se muda")
    house.run("renewals", "cancel", row["id"])
    assert house.api.get("subscriptions/" + row["id"])["state"] == "cancelled"
    assert len(payments(house)) == 2


# --- twice, sideways, in another spelling -------------------------------------------------------------------------

def test_a_request_to_renew_is_not_completed_by_saving_it(house, owner):
    """Saving the state alone would take the money and renew nothing."""
    row = subscribe(house)
    asked = house.api.post("checkout", subscription=row["id"], method="cash")
    reply = house.api.call("PATCH", f"payments/{asked['id']}", {"state": "completed"})
    assert reply.status == 400 and "Completar" in reply.json["error"]["fields"]["state"], reply
    assert send(owner, f"/payments/{asked['id']}/edit", state="completed").status == 422
    payment, = payments(house).values()
    assert (payment["state"], payment["receipt"]) == ("pending", "")
    house.api.post(f"payments/{asked['id']}/complete")
    assert house.api.get("subscriptions/" + row["id"])["ends_on"] == "2025-10-20"


def test_a_form_pressed_twice_makes_one_payment(house, owner):
    row = subscribe(house)
    once = re.search(r'name="_once" value="([a-z2-7]{26})"', owner.page("/payments/new")).group(1)
    form = dict(subscription_id=row["id"], method="cash", state="completed", _once=once)
    wrong = send(owner, "/payments/new", **{**form, "amount_cents": "nada"})
    assert wrong.status == 422 and once in wrong.text                # mended and sent again with the same number
    first, second = send(owner, "/payments/new", **form), send(owner, "/payments/new", **form)
    assert first.status == second.status == 303 and first.headers["location"] == second.headers["location"]
    assert "nada se creó dos veces" in owner.page(second.headers["location"])
    assert [p["receipt"] for p in payments(house).values()] == ["000001"]
    with concurrent.futures.ThreadPoolExecutor(6) as people:          # six windows at once
        once = re.search(r'name="_once" value="([^"]+)"', owner.page("/payments/new")).group(1)
        token = owner.csrf()
        list(people.map(lambda _: owner.send("POST", "/payments/new", {"csrf": token, **form, "_once": once}), range(6)))
    assert len(payments(house)) == 2


@pytest.mark.parametrize("words", ["MARÍA", "vera zoé", "0990000001", "+593 99 000 0001".replace(" ", "")])
def test_the_counter_finds_a_customer_however_it_is_written(house, owner, words):
    house.api.client("María Zoé", "0990000001", surnames="Vera")
    assert "María Zoé Vera" in text_of(owner.page("/checkout?q=" + urllib.parse.quote(words)))


def test_who_may_not_renew_asks_for_no_renewal_either(house):
    row = subscribe(house)
    teller = Api(house, house.token("teller", "payments.view,payments.edit,clients.view,clients.all,subscriptions.view"))
    assert teller.call("POST", "checkout", {"subscription": row["id"], "method": "cash"}).status == 403
    assert payments(house) == {}
    asked = house.api.post("checkout", subscription=row["id"], method="cash")
    assert teller.call("POST", f"payments/{asked['id']}/complete", {}).status == 200   # what others asked for


def test_a_key_that_is_too_long_is_told_not_dropped(house, owner):
    row = subscribe(house)
    reply = send(owner, "/checkout", client=row["client_id"], what="subscription:" + row["id"], method="cash", key="x" * 201)
    assert reply.status == 422 and payments(house) == {}


def test_who_may_only_take_money_reads_what_was_asked_for_and_it_happens(house, owner):
    owner.post("/roles/new", title="Caja")
    role = next(r for r in house.api.all("roles") if r["title"] == "Caja")
    house.api.patch(f"roles/{role['id']}",
                    rights="payments.view payments.edit clients.view clients.all subscriptions.view")
    row = subscribe(house)
    asked = house.api.post("checkout", subscription=row["id"], method="cash", periods=2)
    teller = house.panel("berta", role["name"])
    page = teller.page(f"/payments/{asked['id']}/complete")
    assert "como se pidió: hasta el 19/11/2025" in text_of(page) and 'name="renew"' not in page and 'name="asked"' not in page
    assert send(teller, f"/payments/{asked['id']}/complete").status == 303
    assert house.api.get("subscriptions/" + row["id"])["ends_on"] == "2025-11-19"


def test_money_for_what_is_archived_meanwhile_still_arrives(house, owner):
    row = subscribe(house)
    asked = house.api.post("checkout", subscription=row["id"], method="cash")
    house.api.post(f"subscriptions/{row['id']}/cancel", reason="se muda")
    assert house.api.call("DELETE", "subscriptions/" + row["id"]).status == 200
    page = owner.page(f"/payments/{asked['id']}/complete")
    assert 'name="renew"' not in page and 'name="asked"' in page
    assert send(owner, f"/payments/{asked['id']}/complete", asked="1").status == 303
    payment, = payments(house).values()
    assert (payment["state"], payment["receipt"]) == ("completed", "000001")


@pytest.mark.parametrize("range_, words", [("from=ayer", "no es una fecha"), ("from=2025-09-02&to=2025-09-01", "posterior"),
                                           ("from=2020-01-01", "Como máximo 366 días")])
def test_wrong_dates_are_told_where_they_are_mended(house, owner, range_, words):
    reply = owner.send("GET", "/renewals/daily?" + range_)
    assert reply.status == 400 and text_of(reply.text).count(words) == 1
    assert 'name="from" value="2025-08-10"' in reply.text
    assert house.api.call("GET", "renewals/daily?" + range_).json["error"]["fields"]["from"]
