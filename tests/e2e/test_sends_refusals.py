"""Where a person sees what is wrong: a file at its form, a row among the rows, a stop at channel and send, a report in its list."""
import re
import sqlite3

import pytest

from house import Village, text_of, wait_until
from test_sends_pages import upload
from test_sends_sending import BALANCE, SETTINGS, create, got, people, post, until

BAD_FILES = {
    "email_column_missing": ("nombre;valor\nAna;1\n", "columna", "e-mail addresses"),
    "duplicate_header": ("email;Valor;valor\na@example.com;1;2\n", "Dos columnas", "same name"),
    "file_empty": ("email;nombre\n", "destinatarios", "no recipients"),
}
STOPS = {
    "code401": ("API", "refuses the API key"),
    "code403": ("cuenta", "let this account send"),
    "code4004": ("dominio", "domain is not active"),
    "code402plan": ("pago", "payment"),
}


@pytest.fixture(scope="module")
def pair():
    village = Village()
    standin = village.standin()
    house = village.house({**SETTINGS, "doppler.base_url": standin.address, "reports.poll_first_s": "1",
                           "reports.poll_most_s": "1", "reports.timer": "no"}, standin).serve(secret=None)
    house.ana, house.bob = house.panel("ana", lang="es"), house.panel("bob", lang="en")
    yield house, standin
    village.close()


def both(house, path, spanish, english):
    """The page says it in both languages."""
    for panel, words in ((house.ana, spanish), (house.bob, english)):
        text = text_of(panel.page(path))
        assert words in text, (path, words, text[:3000])


@pytest.mark.parametrize("code", BAD_FILES)
def test_a_file_that_cannot_serve_is_refused_on_the_preview_and_shown_on_its_send(pair, code):
    house, _ = pair
    file, spanish, english = BAD_FILES[code]
    for panel, words in ((house.ana, spanish), (house.bob, english)):
        status = 200 if code == "email_column_missing" else 422
        seen = upload(panel, "/sends/preview", file, status=status, channel="doppler", template_id=BALANCE)
        assert words in text_of(seen), code
    sent = create(house, file, send_now="1")
    ended = until(house, sent, "error")
    assert ended["status_why"] == code
    both(house, f"/sends/{sent['id']}", spanish, english)


def test_a_row_that_cannot_be_sent_says_why_among_the_rows(pair):
    house, _ = pair
    sent = create(house, "email;nombre;Valor\na@example.com;Ana;1\nnadie;Leo;1\n;Eva;1\nb@example.com;Bea;1;2;3\n"
                  "a@example.com;Ana;1\nc@example.com;Pia;\n")
    wait_until(lambda: house.api.get("sends/" + sent["id"])["import"]["status"].startswith("ready"), "the import")
    for spanish, english in (("una sola dirección", "not one e-mail address"), ("no tiene dirección", "no e-mail address"),
                             ("más celdas", "more cells"), ("fila anterior", "earlier row"), ("vacía", "is empty in this row")):
        both(house, f"/sends/{sent['id']}/rows", spanish, english)


@pytest.mark.parametrize("word", STOPS)
def test_what_stops_a_channel_stands_on_the_channels_and_on_the_sends_page(pair, word):
    house, standin = pair
    standin.post("/_standin/reset")
    standin.post("/_standin/doppler", faults=[{"answer": word, "call": "send", "times": 1}])
    sent = create(house, people(2, word), send_now="1")
    until(house, sent, "paused")
    spanish, english = STOPS[word]
    both(house, "/channels", spanish, english)
    both(house, f"/sends/{sent['id']}", spanish, english)
    house.run("outbox", "resume", "doppler")
    house.run("sends", "process")
    until(house, sent, "done")


def test_what_the_provider_said_of_one_mail_stands_at_its_row(pair):
    house, standin = pair
    standin.post("/_standin/reset")
    sent = create(house, "email;nombre;Valor\ncode400@example.com;A;1\ncode404@example.com;B;1\ncode413@example.com;C;1\n"
                  "code500@example.com;D;1\nbadjson@example.com;E;1\nfin@example.com;F;1\n", send_now="1")
    until(house, sent, "done")
    for spanish, english in (("no es válido", "is not valid"), ("no conoce la plantilla", "does not know the template"),
                             ("demasiado grande", "too large"), ("algo falló", "went wrong on its side"),
                             ("no se puede leer", "cannot be read")):
        both(house, f"/sends/{sent['id']}/rows", spanish, english)


def test_what_became_of_a_report_stands_in_the_list_of_reports(pair):
    house, standin = pair
    standin.post("/_standin/reset")
    standin.post("/_standin/doppler", report={"polls": 1, "mode": "html"})
    report = house.api.post("reports", type="deliveries", start_on="2026-02-02", end_on="2026-02-02")["id"]
    house.api.call("POST", "reports/process", {})
    wait_until(lambda: house.api.get(f"reports/{report}")["state"] == "ERROR", "the error")
    both(house, "/reports", "no es un reporte", "is not a report")
    both(house, f"/reports/{report}", "no es un reporte", "is not a report")


# --- who may do what (bulk-sends §1) -----------------------------------------------------------------------------------

OPERATOR = {"sends.view", "sends.edit", "sends.resolve", "reports.view", "jobs.view", "suppressions.view"}
MANAGER = {"sends.view", "reports.view", "reports.request", "reports.process", "reports.load", "suppressions.view"}


def rights(house, role):
    return set(house.sql("SELECT rights FROM role WHERE name = ?", role)[0][0].split())


def test_the_two_roles_of_old_have_the_rights_they_had(pair):
    house, _ = pair
    assert rights(house, "operadores_ui") == OPERATOR
    assert rights(house, "report_managers") == MANAGER


def routes_of(house):
    """(method, pattern of the address, right), addresses without a variable first."""
    rows = [row for row in house.run("routes", json_out=True) if row["realm"] == "staff" and not row["api_only"]]
    return [(row["method"], re.compile(re.sub(r":\w+", "[^/]+", row["path"]) + r"(\.csv)?"), row["right"])
            for row in sorted(rows, key=lambda row: row["path"].count(":"))]


@pytest.mark.parametrize("role", ["operadores_ui", "report_managers", "reader"])
def test_no_page_of_sends_offers_what_its_reader_may_not_do(pair, role):
    house, standin = pair
    standin.post("/_standin/reset")
    sent = create(house, people(2, role))
    day = {"operadores_ui": "2026-03-01", "report_managers": "2026-03-02", "reader": "2026-03-03"}[role]
    report = house.api.post("reports", type="deliveries", start_on=day, end_on=day)["id"]
    mail = house.api.post("emails", subject="Hola", to_emails="a@example.com", text="x", channel="doppler")["id"]
    person, mine, table = house.panel("una-" + role.replace("_", "-"), role=role), rights(house, role), routes_of(house)
    offered = 0
    for path in ("/sends", f"/sends/{sent['id']}", f"/sends/{sent['id']}/rows", f"/sends/{sent['id']}/unsure", "/reports",
                 f"/reports/{report}", "/templates", f"/templates/{BALANCE}", "/senders", "/attachments", "/emails",
                 f"/emails/{mail}", "/suppressions", "/sends/compare"):
        page = person.send("GET", path)
        assert page.status in (200, 403), (path, page)
        if page.status == 403:
            continue
        # without the banners of the house: what needs attention is told to everybody
        main = re.sub(r'<p class="banner .*?</p>', "", page.text.split("<main", 1)[1], flags=re.S)
        for method, pattern in (("GET", r'<a [^>]*href="(/[^"?#]*)'), ("POST", r'<form [^>]*method="post"[^>]*action="(/[^"?#]*)'),
                                ("POST", r'formaction="(/[^"?#]*)')):
            for address in set(re.findall(pattern, main)):
                need = next((right for m, way, right in table if m == method and way.fullmatch(address)), None)
                offered += 1
                assert not need or need in mine, (path, method, address, need)
    assert offered > 20


def test_who_left_is_reached_only_by_a_right_and_who_is_dead_by_nobody(pair):
    house, standin = pair
    standin.post("/_standin/reset")
    for address in ("Jefa@salida.example", "muerta@salida.example"):
        house.api.post("suppressions", address=address)
    with sqlite3.connect(house.state / "recado.db", timeout=30) as line:
        line.execute("UPDATE contact SET dead_reason = 'no_mailbox', dead_at = 1 WHERE address = 'muerta@salida.example'")
    line.close()
    rows = "email;nombre;Valor\njefa@salida.example;Ana;1\nmuerta@salida.example;Eva;2\nviva@salida.example;Pia;3\n"
    bare = post(house, "/api/v1/sends", house.token("sin", "sends.view sends.edit"), template_id=BALANCE, channel="doppler",
                recipients_file=rows.encode(), send_now="1", sends_suppressed="1")
    assert bare.status == 400 and "sends_suppressed" in bare.json["error"]["fields"], bare
    usual = until(house, create(house, rows, send_now="1"), "done")
    assert got(standin) == {"viva@salida.example": 1} and usual["import"]["invalid_rows"] == 2
    allowed = until(house, create(house, rows, send_now="1", sends_suppressed="1"), "done")
    assert got(standin) == {"viva@salida.example": 2, "jefa@salida.example": 1} and allowed["import"]["invalid_rows"] == 1
    left_out = house.api.get(f"sends/{allowed['id']}/recipients?state=invalid")["results"]
    assert [(row["email"], row["error_code"]) for row in left_out] == [("muerta@salida.example", "suppressed")]
