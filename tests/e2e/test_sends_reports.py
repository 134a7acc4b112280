"""Reports: asked for once a day, fetched without waiting, loaded whole or not at all, matched to the sends."""
import datetime
import json
import secrets
import sqlite3

import pytest

from house import Village, request, text_of, wait_until

BALANCE = "11111111-1111-4111-8111-111111111111"
TYPES = ("deliveries", "bounces", "opens", "clicks", "spam", "unsubscribed", "sent")
DOPPLER = {"doppler.api_key": "key-of-relay", "doppler.account_id": "5", "doppler.from_email": "avisos@tienda.example",
           "doppler.from_name": "Tienda"}
SETTINGS = {**DOPPLER, "sends.pace_ms": "0", "sends.parallel": "4", "reports.poll_first_s": "1",
            "reports.poll_most_s": "1", "reports.timer": "no", "reports.manual_age_min": "0", "reports.analytics": "yes"}


@pytest.fixture(scope="module")
def pair():
    village = Village()
    standin = village.standin()
    house = village.house({**SETTINGS, "doppler.base_url": standin.address}, standin).serve(secret=None)
    house.ana = house.panel("ana")
    yield house, standin
    village.close()


@pytest.fixture
def relay(pair):
    pair[1].post("/_standin/reset")
    return pair


days = iter(f"2026-01-{n:02}" for n in range(1, 29))


def asked(house, day=None, kind="deliveries"):
    day = day or next(days)
    return house.api.post("reports", type=kind, start_on=day, end_on=day)["id"], day


def fetched(house, report, state="READY"):
    """Pressed once; the polls are jobs of their own."""
    assert house.api.call("POST", "reports/process", {}).status == 202
    return wait_until(lambda: (r := house.api.get(f"reports/{report}"))["state"] == state and r, f"report {state}")


def one(house, sql, *values):
    return house.sql(sql, *values)[0][0]


def reports_db(house, sql):
    line = sqlite3.connect(house.state / "reports.db", timeout=10)
    try:
        return line.execute(sql).fetchall()
    finally:
        line.close()


def loaded(house, report, action="load-default"):
    house.api.post(f"reports/{report}/{action}")
    wait_until(lambda: one(house, "SELECT count(*) FROM job WHERE kind = 'sends.load_report' AND state IN ('queued', 'running')")
               == 0, "the load")


def test_a_report_is_asked_for_by_hand_and_is_there_after_some_looks(relay):
    house, standin = relay
    standin.post("/_standin/doppler", report={"polls": 2, "lines": 5})
    report, day = asked(house)
    made = fetched(house, report)
    assert made["file_rows"] == 5 and made["request_id"]
    file = request(house.address, "GET", f"/reports/{report}/download", headers={"Authorization": "Bearer " + house.api.token})
    assert file.status == 200 and file.text.lstrip("\ufeff").startswith("Subject,Sender,") and day in str(file.headers)


def test_a_second_kind_of_the_same_day_takes_the_file_that_is_there(relay):
    house, standin = relay
    standin.post("/_standin/doppler", report={"polls": 1, "lines": 2})
    report, day = asked(house)
    fetched(house, report)
    other, _ = asked(house, day, "opens")
    assert house.api.get(f"reports/{other}")["state"] == "READY"
    assert one(house, "SELECT count(DISTINCT request_id) FROM generated_report WHERE start_on = ?", day) == 1


def test_processed_without_a_file_is_a_day_without_rows(relay):
    house, standin = relay
    standin.post("/_standin/doppler", report={"mode": "no_file"})
    report, _ = asked(house)
    assert fetched(house, report)["file_rows"] == 0


def test_errors_while_polling_are_tried_again_and_a_page_is_no_report(relay):
    house, standin = relay
    standin.post("/_standin/doppler", faults=[{"answer": "code500", "call": "poll", "times": 1}], report={"polls": 1, "lines": 1})
    report, _ = asked(house)
    fetched(house, report)
    standin.post("/_standin/doppler", report={"mode": "html"})
    report, _ = asked(house)
    fetched(house, report, "ERROR")
    shown = text_of(house.ana.page(f"/reports/{report}"))
    assert "Con error" in shown and "report_not_csv" not in shown


def test_each_place_takes_a_report_once_and_has_its_badge(relay):
    house, standin = relay
    standin.post("/_standin/doppler", report={"polls": 1, "lines": 4})
    report, day = asked(house)
    fetched(house, report)
    page = house.ana.page(f"/reports/{report}")
    assert "Cargar BD (default)" in text_of(page) and "Cargar BD (analytics)" in text_of(page)
    loaded(house, report)
    loaded(house, report, "load-analytics")
    shown = text_of(house.ana.page(f"/reports/{report}"))
    assert "Cargado en: default, analytics" in shown and "Recargar (default)" in shown and "Cargar BD" not in shown
    reply = request(house.address, "POST", f"/api/v1/reports/{report}/load-default", b"{}",
                    {"Authorization": "Bearer " + house.api.token, "Content-Type": "application/json"})
    assert reply.status == 409
    loaded(house, report, "reload-default")
    where = f"WHERE report_on = '{day}'"
    assert reports_db(house, f"SELECT (SELECT count(*) FROM reports_deliveries {where}),"
                             f" (SELECT count(*) FROM analytics_reports_deliveries {where})") == [(4, 4)]
    assert " reports.db" in "\n" + house.run("tables").replace("\n", "\n ")
    found = {row["name"]: row for row in json.loads(house.call("check", json_out=True).stdout)["checks"]}
    assert found["reports_file"]["state"] == "ok" and "kB" in found["reports_file"]["detail"]
    assert "integer" in house.run("inspect_reports_schema", "--types", "deliveries", "--days", "400")
    kept = house.folder / "schema.json"
    house.run("sends", "inspect_reports_schema", "--only-existing", "--days", "400", "--out", str(kept))
    schema = json.loads(kept.read_text())
    assert schema and {c["column"]: c["type"] for c in schema[0]["columns"]}["opens"] == "integer"
    assert "@" not in kept.read_text() and house.call("inspect_reports_schema", "--types", "nada").returncode == 2
    assert house.call("inspect_reports_schema", "--out", str(house.folder / "no" / "x.json")).returncode == 1
    assert "4" in house.run("clean_reports_contaminated", "--day", day, "--alias", "analytics")
    assert reports_db(house, f"SELECT count(*) FROM analytics_reports_deliveries {where}") == [(0,)]
    assert "Cargado en: default" in (shown := text_of(house.ana.page(f"/reports/{report}"))) and "Cargar BD (analytics)" in shown
    done = house.call("sends", "reports", "load", report, "--alias", "default")
    assert done.returncode == 1 and "Recargar" in done.stderr


def test_only_who_may_sees_the_buttons(relay):
    house, _ = relay
    rita = house.panel("rita", "reader")
    text = text_of(rita.page("/reports"))
    assert "Solicitar reporte" not in text and "Procesar pendientes ahora" not in text
    rita.page("/reports/new", status=403)
    assert "Solicitar reporte" in text_of(house.ana.page("/reports"))


def test_a_place_that_cannot_be_served_stops_the_start_with_a_sentence():
    village = Village()
    try:
        house = village.house({"reports.analytics": "postgresql://u@db:5432/r"})
        done = house.call("serve")
        assert done.returncode != 0 and "reports.analytics" in done.stdout + done.stderr
    finally:
        village.close()


# --- after a send ---

def multipart(**given):
    edge, body = secrets.token_hex(12), b""
    for name, value in given.items():
        head = f'Content-Disposition: form-data; name="{name}"' + ('; filename="c.csv"' if isinstance(value, bytes) else "")
        body += f"--{edge}\r\n{head}\r\n\r\n".encode() + (value if isinstance(value, bytes) else str(value).encode()) + b"\r\n"
    return body + f"--{edge}--\r\n".encode(), f"multipart/form-data; boundary={edge}"


def sent(house, tag, n=3):
    rows = "email;nombre;Valor\n" + "".join(f"{tag}{i}@example.com;P{i};{i}\n" for i in range(n))
    body, kind = multipart(template_id=BALANCE, channel="doppler", send_now="1", recipients_file=rows.encode())
    reply = request(house.address, "POST", "/api/v1/sends", body,
                    {"Content-Type": kind, "Authorization": "Bearer " + house.api.token})
    assert reply.status == 201, reply
    wait_until(lambda: house.api.get("sends/" + reply.json["id"])["status"] == "done", "the send")
    return reply.json["id"]


def later(start, **by):
    return (start + datetime.timedelta(**by)).strftime("%Y-%m-%dT%H:%M:%SZ")


def pass_over(house, count):
    """The schedule's look, by hand; then every pass that is due ends by itself."""
    house.run("sends", "post-reports")
    wait_until(lambda: one(house, "SELECT count(*) FROM bulk_report_pass WHERE done_at IS NOT NULL") == count, f"{count} passes")


@pytest.mark.long  # the ordinary run has one pass of it in tests/unit/sends/test_report_passes.c
def test_two_sends_of_a_day_share_one_request_and_each_pass_runs_once_across_restarts():
    village = Village()
    try:
        house = village.house({**SETTINGS, "reports.after_send": "no"})
        noon = datetime.datetime(2027, 3, 2, 15, 0, 0)
        house.serve(now=later(noon), secret=None)
        first, second = sent(house, "uno"), sent(house, "dos", 2)
        house.run("sends", "post-reports")
        assert one(house, "SELECT count(*) FROM generated_report") == 0
        house.stop()
        for hours, passes, requests, rows in ((1.1, 2, 1, 7), (24.1, 4, 3, 14), (72.1, 6, 5, 14)):
            house.serve(now=later(noon, hours=hours), secret=None)
            pass_over(house, passes)
            house.run("sends", "post-reports")
            assert one(house, "SELECT count(*) FROM bulk_report_pass WHERE done_at IS NOT NULL") == passes
            assert one(house, "SELECT sum(attempts) FROM generated_report WHERE type = 'deliveries'") == requests
            assert one(house, "SELECT count(*) FROM generated_report") == rows
            for send, n in ((first, 3), (second, 2)):
                told = house.api.get("sends/" + send)
                assert told["post_reports_status"] in ("done", "zero_rows") and told["post_reports_loaded_at"]
            house.stop()
        assert {kind for kind, in house.sql("SELECT DISTINCT type FROM generated_report")} == set(TYPES)
    finally:
        village.close()


def test_loaded_rows_travel_with_a_backup_and_come_back_equal():
    village = Village()
    try:
        standin = village.standin()
        house = village.house({**SETTINGS, "doppler.base_url": standin.address}, standin).serve(secret=None)
        standin.post("/_standin/doppler", report={"polls": 1, "lines": 6})
        report, _ = asked(house)
        fetched(house, report)
        loaded(house, report)
        house.run("backup")
        archive = sorted((house.state / "backups").iterdir())[-1]
        told = "SELECT email, status, date_local, opens FROM reports_deliveries ORDER BY id"
        before = reports_db(house, told)
        house.run("clean_reports_contaminated", "--truncate")
        assert reports_db(house, told) == [] and len(before) == 6
        house.stop()
        house.run("restore", archive)
        assert reports_db(house, told) == before
        house.serve(secret=None)
        assert "Cargado en: default" in text_of(house.panel("ana").page(f"/reports/{report}"))
    finally:
        village.close()
