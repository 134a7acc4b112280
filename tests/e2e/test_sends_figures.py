"""Ver reporte: the figures of a send are those of the provider's own record, and what nobody tells is not a zero."""
import collections
import csv
import io

import pytest

from house import Village, request, text_of, wait_until
from test_sends_reports import SETTINGS, multipart

BALANCE = "11111111-1111-4111-8111-111111111111"
PEOPLE = ([f"opened{n}@uno.example" for n in range(4)] + [f"clicked{n}@dos.example" for n in range(2)]
          + ["rejected@dos.example", "invalid@tres.example", "dropped@tres.example", "retrying@uno.example"])


def sent(house, subject, people):
    rows = "email;nombre;Valor\n" + "".join(f"{address};P;1\n" for address in people)
    body, kind = multipart(template_id=BALANCE, channel="doppler", send_now="1", subject=subject, recipients_file=rows.encode())
    reply = request(house.address, "POST", "/api/v1/sends", body,
                    {"Content-Type": kind, "Authorization": "Bearer " + house.api.token})
    assert reply.status == 201, reply
    return wait_until(lambda: (s := house.api.get("sends/" + reply.json["id"]))["status"] == "done" and s, "the send")


def got(house, path):
    reply = request(house.address, "GET", path, headers={"Authorization": "Bearer " + house.api.token})
    assert reply.status == 200, reply
    return reply


def refreshed(house, send, status):
    house.api.post(f"sends/{send['id']}/process-report")
    wait_until(lambda: house.sql("SELECT post_reports_status FROM bulk_send WHERE id = ?", send["number"]) == [(status,)]
               and not house.sql("SELECT 1 FROM bulk_report_pass WHERE bulk_id = ? AND pass >= 10 AND done_at IS NULL",
                                 send["number"]), f"a report with {status}")


@pytest.fixture(scope="module")
def told():
    """A house with a send whose report came in, the send, and what the provider has of it: address → its delivery."""
    village = Village()
    standin = village.standin()
    house = village.house({**SETTINGS, "reports.after_send": "no", "doppler.send_subject": "yes",
                           "doppler.base_url": standin.address}, standin).serve(secret=None)
    house.ana = house.panel("ana")
    standin.post("/_standin/doppler", open_ms=0, click_ms=0, sent_ms=0, subject="applied",
                 report={"polls": 1, "mode": "empty"})
    send = sent(house, "=Oferta {{nombre}}", PEOPLE)
    house.run("sends", "post-reports")          # plans the passes of an hour, a day and three days after it
    refreshed(house, send, "zero_rows")
    house.early = text_of(house.ana.page(f"/sends/{send['id']}/report")), house.api.get(f"sends/{send['id']}/report")
    standin.post("/_standin/doppler", report={"polls": 1, "mode": "usual"})
    house.pass_ = house.run("process_post_send_reports_now", "--bulk-id", send["id"], "--wait", "--verbose-report", lang="en")
    reply = request(standin.address, "GET", "/accounts/5/deliveries?per_page=100&from=2026-01-01T00:00:00Z&to=2099-01-01T00:00:00Z",
                    headers={"Authorization": "Bearer key-of-relay"})
    record = {row["recipientAddress"]: row for row in reply.json["items"]}
    assert sorted(record) == sorted(PEOPLE)
    yield house, send, record
    village.close()


def test_before_the_provider_has_rows_the_page_says_when_it_is_looked_at_again(told):
    house, send, _ = told
    page, figures = house.early
    assert "El proveedor todavía no tiene filas de este envío." in page and "Próxima consulta:" in page
    assert figures["has_report"] is False and figures["sent"] == len(PEOPLE)
    assert {figures[key] for key in ("open_bp", "click_bp", "delivery_bp", "opens", "clicks", "delivered", "bounced")} == {None}
    assert "Aperturas no disponible" in page and "Entregas no disponible" in page


def test_the_figures_are_those_of_the_providers_own_record(told):
    house, send, record = told
    # the command was over when the report was there, and said how it went
    assert f"Send {send['number']}, pass 11: its mails were found" in house.pass_ and "Passes done: 1." in house.pass_
    figures = house.api.get(f"sends/{send['id']}/report")
    states = collections.Counter(row["status"].lower() for row in record.values())
    assert states["sent"] == 6 and states["rejected"] == states["invalid"] == states["dropped"] == states["retrying"] == 1
    opens, clicks = (sum(row[kind] for row in record.values()) for kind in ("opens", "clicks"))
    openers = sum(row["opens"] > 0 for row in record.values())
    assert {key: figures[key] for key in ("found", "sent", "delivered", "bounced", "dropped", "waiting", "opens", "openers",
                                          "clicks", "clickers")} == {
        "found": 10, "sent": 10, "delivered": 6, "bounced": 2, "dropped": 1, "waiting": 1, "opens": opens,
        "openers": openers, "clicks": clicks, "clickers": 2}
    assert (figures["delivery_bp"], figures["bounce_bp"], figures["open_bp"]) == (6000, 2000, openers * 1000)
    of = collections.defaultdict(collections.Counter)
    for address, row in record.items():
        of[address.split("@")[1]].update(found=1, opens=row["opens"], clicks=row["clicks"])
    assert {d["domain"]: (d["found"], d["opens"], d["clicks"]) for d in figures["domains"]} == {
        domain: (n["found"], n["opens"], n["clicks"]) for domain, n in of.items()}
    assert [d["opens"] for d in figures["domains"]] == sorted((d["opens"] for d in figures["domains"]), reverse=True)


def test_the_page_shows_pictures_with_tables_and_says_what_is_not_available(told):
    house, send, record = told
    page = house.ana.page(f"/sends/{send['id']}/report")
    text = text_of(page)
    assert "60,0 %" in text and "<svg" in page and "<script src=\"http" not in page
    assert "Spam no disponible" in text and "Bajas no disponible" in text and "Entregas 6" in text and "Rebotes 2" in text
    assert "uno.example" in text and text.count("No disponible: el reporte") == 2
    assert "Todavía en camino" in text and "No intentados" in text
    english = text_of(house.panel("eli", lang="en").page(f"/sends/{send['id']}/report"))
    assert "60.0 %" in english and "not available" in english


def test_the_sends_own_csv_has_the_providers_columns_and_no_formulas(told):
    house, send, record = told
    reply = got(house, f"/sends/{send['id']}/deliveries.csv")
    assert f"bulk_{send['number']}_deliveries_window.csv" in reply.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(reply.text.lstrip("\ufeff"))))
    assert rows[0] == ["Subject", "Sender", "SenderName", "Email", "Status", "Date", "Opens", "Clicks", "Date_Local"]
    assert len(rows) == 1 + len(PEOPLE) and all(not cell.startswith(("=", "+", "@")) for row in rows for cell in row)
    mine = {row[3]: row for row in rows[1:]}
    for address, row in record.items():
        assert mine[address][4].lower() == row["status"].lower()
        assert (int(mine[address][6]), int(mine[address][7])) == (row["opens"], row["clicks"])
        assert mine[address][1] == "avisos@tienda.example" and mine[address][8] and mine[address][8] != mine[address][5]
    page = house.ana.page(f"/sends/{send['id']}/report")
    assert "CSV consolidado del día" in text_of(page)
    day = got(house, page.split('href="/reports/')[1].split('"')[0].join(["/reports/", ""]))
    assert len(list(csv.reader(io.StringIO(day.text.lstrip("\ufeff"))))) == 1 + len(PEOPLE)
    by_domain = list(csv.reader(io.StringIO(got(house, f"/sends/{send['id']}/report.csv").text.lstrip("\ufeff"))))
    assert {row[0] for row in by_domain[1:]} == {"uno.example", "dos.example", "tres.example"}
    assert got(house, f"/sends/{send['id']}/report.xlsx").headers["content-type"].endswith("sheet")


def test_sends_stand_beside_each_other_and_one_without_a_report_has_dashes(told):
    house, send, _ = told
    other = sent(house, "Segundo", ["sola@uno.example"])
    by_subject = {row["subject"]: row for row in house.api.get("sends/compare")["data"]}
    assert by_subject["=Oferta {{nombre}}"]["delivery_bp"] == 6000 and by_subject["Segundo"]["delivery_bp"] is None
    text = text_of(house.ana.page("/sends/compare"))
    assert "60,0 %" in text and "—" in text
    assert "Segundo" not in text_of(house.ana.page("/sends/compare?q=Oferta"))
    page = house.ana.page("/sends/compare?q=o")
    assert "/sends/compare/rates.xlsx?q=o" in page
    sheet = got(house, "/sends/compare/rates.csv?q=").text
    assert "Segundo" in sheet and "\n=" not in sheet and ",=" not in sheet and ";=" not in sheet
    assert other["number"] == send["number"] + 1


def test_who_may_not_see_reports_gets_neither_page_nor_files(told):
    house, send, _ = told
    bare = house.token("bare", rights="sends.view")
    for path in (f"/sends/{send['id']}/report", f"/sends/{send['id']}/deliveries.csv"):
        assert request(house.address, "GET", path, headers={"Authorization": "Bearer " + bare}).status == 403
    assert request(house.address, "GET", f"/sends/{send['id']}/deliveries.csv").status in (303, 401)
    assert request(house.address, "GET", f"/sends/{send['id']}/report").status in (303, 401)
