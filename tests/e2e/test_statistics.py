"""The panel's figures and pictures, and the statistics of the notices (spec renewals §12, §13, §17)."""
import csv
import html
import io
import re
import urllib.parse
import zipfile

import pytest

from house import request, text_of, wait_until

DAY = "2025-09-08T10:00:00-05:00"
HOSTILE = "<script>alert(1)</script>\" onload='x' \u202e"


@pytest.fixture
def house(village):
    made = village.house()
    made.serve(now=DAY)
    made.netflix = made.api.service("Netflix", 1299)
    return made


def sell(api, house, name, ends_on, phone=None, **more):
    client = api.client(name, phone)
    return api.subscription(client, house.netflix, ends_on, starts_on="2025-08-08", **more)


@pytest.fixture
def busy(house):
    """A bit of everything: due on each stage, expired, cancelled, paid, unpaid, without a number."""
    for n, day in enumerate(("08", "08", "09", "11", "15", "15", "16", "30")):
        sell(house.api, house, f"Cliente {n}", f"2025-09-{day}", f"+59399000000{n}")
    sell(house.api, house, "Sin Número", "2025-09-08")
    sell(house.api, house, "Con Fijo", "2025-09-20", "042000018")
    sell(house.api, house, "Vencida", "2025-09-05", "+593990000020")
    gone = sell(house.api, house, "Se Fue", "2025-09-25", "+593990000021")
    house.api.post(f"subscriptions/{gone['id']}/cancel", mode="now", reason="se muda")
    paid = sell(house.api, house, "Pagó", "2025-09-26", "+593990000022")
    house.api.post("payments", subscription_id=paid["id"], amount="12.99")
    house.api.post("payments", subscription_id=paid["id"], amount="7", paid_at="2025-08-30T10:00:00-05:00")
    house.api.post("payments", subscription_id=paid["id"], amount="5", state="pending")
    house.call("renewals", "run", "--wait")
    return house


def rows_behind(api, address):
    """What the list at this address of the panel holds, for the same person."""
    path, _, query = address.partition("?")
    return api.all(path.strip("/"), **dict(urllib.parse.parse_qsl(query)))


def counted(panel):
    """(what, number, address) of everything on the panel that says a number and leads to a list."""
    found = []
    for card in panel["cards"]:
        for f in card["figures"]:
            if f["href"] and re.fullmatch(r"\d+", f["value"]) and f["href"] != "/inbox":
                found.append((f["title"], int(f["value"]), f["href"]))
    found += [(t["name"], t["total"], t["rows_href"]) for t in panel["tables"] if t["total"] is not None]
    found += [(r["stage_shown"], r["found"], r["stage_href"]) for r in panel.get("notices", {}).get("rows", [])]
    found += [(d["ends_on"], d["count"], d["href"]) for d in panel["days"]]
    return found


def check_numbers(api):
    found = counted(api.get("panel"))
    for what, number, address in found:
        assert len(rows_behind(api, address)) == number, (what, address)
    return {what: number for what, number, _ in found}


# --- the panel ----------------------------------------------------------------------------------------------

def test_every_number_is_that_of_the_list_it_leads_to(busy):
    numbers = check_numbers(busy.api)
    assert numbers["Suscripciones activas"] == 11 and numbers["Vencen en 7 días"] == 7
    assert numbers["Vencidas sin renovar"] == 1 and numbers["Canceladas"] == 1
    assert numbers["Clientes sin número de WhatsApp"] == numbers["unreachable"] == 2 and numbers["failed"] == 0
    assert (numbers["ending_0"], numbers["ending_1"], numbers["ending_3"], numbers["ending_7"]) == (3, 1, 1, 2)
    assert (numbers["Último día"], numbers["7 días antes"]) == (3, 2)
    assert numbers["2025-09-08"] == 3 and numbers["2025-09-05"] == 1


def test_money_is_that_of_the_rows_behind_it(busy):
    month = next(c for c in busy.api.get("panel")["cards"] if c["name"] == "month")
    address = next(f["href"] for f in month["figures"] if f["title"] == "Recibido")
    assert month["collected_cents"] == sum(p["amount_cents"] for p in rows_behind(busy.api, address)) == 1299
    business = next(c for c in busy.api.get("panel")["cards"] if c["name"] == "business")
    active = rows_behind(busy.api, "/subscriptions?state=active")
    assert business["monthly_total_cents"] == sum(s["price_cents"] for s in active)
    unpaid = rows_behind(busy.api, "/subscriptions?state=active&payment=pending")
    assert business["pending_cents"] == sum(s["price_cents"] for s in unpaid) == 10 * 1299


def test_a_seller_gets_the_figures_of_the_own_customers_with_the_same_truth(busy):
    seller = busy.panel("vera", "seller")
    seller.post("/clients/new", given_names="Luz", phone="0990000031", service=[busy.netflix["id"]],
                starts_on=["2025-09-08"], ends_on=["2025-09-11"])
    page = text_of(seller.page("/panel"))
    assert "Luz" in page and "Cliente 3" not in page
    assert "Últimos usuarios" not in page and "Respuestas sin leer" not in page
    own = seller.send("GET", "/api/v1/panel").json
    assert {(t["name"], t["total"]) for t in own["tables"] if t["total"]} == {("ending_3", 1)}
    assert next(c for c in own["cards"] if c["name"] == "business")["active"] == 1
    assert sum(m["new_subscriptions"] for m in own["months"]) == 1


def test_a_reader_sees_everything_and_finds_nothing_to_press(busy):
    page = busy.panel("leo", "reader").page("/panel")
    assert "Cliente 3" in page
    assert re.findall(r'<form[^>]*method="post"[^>]*action="([^"]+)"', page) == ["/logout"]


def test_the_old_address_of_the_dashboard_leads_to_the_panel(house):
    owner = house.panel()
    reply = owner.send("GET", "/dashboard/")
    assert (reply.status, reply.headers["location"]) == (303, "/panel")
    assert request(house.address, "GET", "/dashboard/").status == 303      # to the log-in


def test_another_month_of_the_calendar_has_its_own_days(busy):
    sell(busy.api, busy, "En octubre", "2025-10-31", "+593990000040")
    assert [(d["ends_on"], d["count"]) for d in busy.api.get("panel?month=2025-10")["days"]] == [("2025-10-31", 1)]
    owner = busy.panel()
    page = html.unescape(owner.page("/panel?month=2025-10"))
    assert "octubre de 2025" in page and re.search(r'<a href="[^"]+2025-10-31"><title>31/10/2025: 1</title>', page)
    assert "/panel?month=2025-09#calendar" in page and "/panel?month=2025-11#calendar" in page
    assert owner.page("/panel?month=2024-02").count('class="dom') == 29
    for nonsense in ("2025-13", "x", "9999-99", "2025", "-1--1", "2025-00"):
        assert "septiembre de 2025" in owner.page("/panel?month=" + nonsense), nonsense


def test_a_hostile_name_is_only_text(house):
    sell(house.api, house, HOSTILE, "2025-09-08")
    page = house.panel().page("/panel")
    assert "<script>alert" not in page and html.escape("<script>alert(1)</script>") in page


def test_pictures_have_a_name_a_table_and_no_style(busy):
    owner = busy.panel()
    for path in ("/panel", "/renewals/stats", "/renewals/months"):
        page = owner.page(path)
        assert " style=" not in page and "<style" not in page
        pictures = re.findall(r'(?s)<figure class="plot-box">.*?</figure>', page)
        assert len(pictures) >= 2, path
        for one in pictures:
            if "<svg" not in re.sub(r'(?s)<p class="plot-legend">.*?</p>', "", one):
                assert 'class="muted"' in one, path             # a sentence instead
                continue
            name = re.search(r'aria-labelledby="([a-zA-Z-]+)', one).group(1)
            assert re.search(rf'<title id="{name}">[^<]+</title>', one), path
            assert "<caption>" in one and "Lo mismo en una tabla" in one, path
        ids = re.findall(r'\bid="([^"]+)"', page)
        assert len(ids) == len(set(ids)), path


# --- statistics ---------------------------------------------------------------------------------------------

def test_the_day_is_the_same_as_page_program_file_workbook_and_command(busy):
    owner = busy.panel()
    data = busy.api.get("renewals/stats")
    day, = data["data"]
    assert (day["found"], day["sent"], day["skipped"], day["success_percent"]) == (7, 6, 1, 86)
    assert (day["stage_7"], day["stage_3"], day["stage_1"], day["stage_0"]) == (2, 1, 1, 3)
    assert {k: data["sums"][k] for k in ("found", "sent")} == {"found": 7, "sent": 6}
    rows = list(csv.reader(io.StringIO(owner.page("/renewals/stats.csv").lstrip("\ufeff"))))
    assert dict(zip(rows[0], rows[1]))["Encontrados"] == "7" and rows[1][0] == "2025-09-08"
    book = owner.send("GET", "/renewals/stats.xlsx")
    assert book.status == 200 and zipfile.ZipFile(io.BytesIO(book.body)).testzip() is None
    said, = busy.run("renewals", "stats", json_out=True, now=DAY)
    assert said == day
    page = owner.page("/renewals/stats")
    address = html.unescape(re.search(r'<th scope="row"><a href="(/notices\?[^"]+2025-09-08)"', page).group(1))
    assert len(rows_behind(busy.api, address)) == 7


def test_a_confirmation_is_no_notice_of_the_day_and_has_no_stage(house):
    row = sell(house.api, house, "María", "2025-09-20", "+593990000001")
    house.api.post(f"subscriptions/{row['id']}/renew", periods=1)
    notice, = wait_until(house.notices, "the confirmation")
    assert (notice["type"], notice["stage"]) == ("renewal_confirmation", None)
    assert house.api.get("renewals/stats")["data"] == []
    assert house.notices(stage="30") == []


def test_the_range_is_chosen_by_days_or_dates(busy):
    owner = busy.panel()
    page = owner.page("/renewals/stats?from=2025-09-02")
    assert re.search(r'class="button main" href="/renewals/stats\?from=2025-09-02"', page)
    assert busy.api.get("renewals/stats?from=2025-09-01&to=2025-09-07")["data"] == []
    assert "Aviso" in text_of(owner.page("/renewals/stats?from=01/09/2025&to=08/09/2025"))
    assert owner.send("GET", "/renewals/stats?from=2020-01-01&to=2025-09-08").status == 400
    assert owner.send("GET", "/renewals/stats?from=ayer").status == 400


def test_what_came_of_the_notices_is_counted_by_stage(busy):
    due = next(s for s in busy.api.all("subscriptions", state="today") if s["client_name"].startswith("Cliente"))
    busy.api.post(f"subscriptions/{due['id']}/renew", periods=1)
    data = busy.api.get("renewals/stats")
    last = next(s for s in data["stages"] if s["stage"] == 0)
    assert (last["sent"], last["renewed"], last["percent"]) == (2, 1, 50)
    assert (data["kpi"]["renewals"], data["kpi"]["renewals_last_day"]) == (1, 1)
    assert data["months"][0]["month"] == "2025-09"


def test_answers_show_in_the_figures_and_in_the_hours(village):
    house, standin = village.pair({}, "--delivered-ms", "-1", "--read-ms", "-1")
    house.serve(now=DAY)
    house.netflix = house.api.service("Netflix", 1299)
    sell(house.api, house, "María", "2025-09-08", "+593990000001")
    house.run_today()
    standin.say("+593990000001", "Ya pago")
    wait_until(lambda: house.api.get("inbox")["data"], "the answer")
    kpi = house.api.get("renewals/stats")["kpi"]
    assert (kpi["answered"], kpi["answer_percent"], kpi["answer_minutes"]) == (1, 100, 0)
    assert "lunes 10:00–11:00: 1" in html.unescape(house.panel().page("/renewals/stats"))


# --- metrics ------------------------------------------------------------------------------------------------

LINE = re.compile(r'^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-zA-Z_][a-zA-Z0-9_]*="[^"\\\n]*"(,[a-zA-Z_][a-zA-Z0-9_]*="[^"\\\n]*")*\})?'
                  r" -?[0-9.]+(e[+-]?[0-9]+)?$")
NAMES = """renewals_notices_total renewals_due renewals_run_seconds renewals_last_success renewals_subscriptions
renewals_inbound_total renewals_revenue renewals_gateway_up""".split()


def test_the_metrics_are_complete_well_formed_and_name_nobody(busy):
    text = metrics(busy)
    kinds = dict(re.findall(r"# TYPE (\S+) (\S+)", text))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if not LINE.match(line)] == []
    have = {re.match(r"[a-zA-Z0-9_:]+", line).group() for line in lines}
    assert set(NAMES) <= have, set(NAMES) - have
    assert {n for n in have if n.startswith("renewals_")} <= set(kinds)
    assert len(lines) == len({line.rsplit(" ", 1)[0] for line in lines})       # no series twice
    assert 'renewals_due{stage="0"} 3' in lines and 'renewals_subscriptions{state="active"} 11' in lines
    assert not re.search(r"5939900|Cliente", text)


def metrics(house):
    reply = request(house.address, "GET", "/metrics", headers={"Authorization": "Bearer " + house.token("watch", "*")})
    assert reply.status == 200, reply
    return reply.text
