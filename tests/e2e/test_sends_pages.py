"""What the operator sees of bulk sends: list, form with preview, detail, rows, and what each person may do."""
import html
import re
import sqlite3

import pytest

from house import Village, request, text_of, wait_until

CSV = "email;nombres;plan;valor\nana@example.com;Ana;Básico;9.99\nleo@example.com;Leo <b>;Familiar;19.99\n"
SPOILT = ("email;nombres;plan;valor\nana@example.com;Ana;Básico;9.99\nsin-arroba;Leo;Básico;9.99\n;Eva;Básico;9.99\n"
          "ana@example.com;Ana;Básico;9.99\npia@gmial.com;<script>alert(1)</script>;Básico;\n")
FILE = "recipients_file"


@pytest.fixture(scope="module")
def office():
    """A house with the made-up sends: two that left at once and a timed one."""
    village = Village()
    house = village.house()
    house.serve()
    house.run("demo")
    yield house
    village.close()


@pytest.fixture(scope="module")
def ana(office):
    return office.panel("ana", lang="es")


@pytest.fixture(scope="module")
def sends(office):
    """The three sends once the first two have ended, by number."""
    def over():
        rows = office.api.get("sends?period=all")["results"]
        return rows if all(row["status"] not in ("queued", "sending") and row["import"]["valid_rows"]
                           for row in rows) else None
    return {row["number"]: row for row in wait_until(over, "the sends of the demo")}


@pytest.fixture(scope="module")
def template(office):
    """The panel's template “Bienvenida”, which needs nombres and plan."""
    return office.sql("SELECT public_id FROM mail_template WHERE name = 'Bienvenida'")[0][0]


def upload(panel, path, file=None, status=200, **fields):
    """Send the form as a browser does, with a file or without; the page."""
    mark, parts = "----recado", []
    fields = {"csrf": panel.csrf(), "channel": "email", **fields}
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            parts.append(f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{one}\r\n'.encode())
    name = "" if file is None else "lista.csv"
    parts.append((f'--{mark}\r\nContent-Disposition: form-data; name="{FILE}"; filename="{name}"\r\n'
                  f'Content-Type: text/csv\r\n\r\n').encode() + (file or "").encode() + b"\r\n")
    body = b"".join(parts) + f"--{mark}--\r\n".encode()
    reply = panel.send("POST", path, body=body, headers={"Content-Type": f"multipart/form-data; boundary={mark}"})
    assert reply.status == status, reply
    return reply.text


def field_error(page, name):
    found = re.search(rf'id="f-{name}-error">([^<]*)<', page)
    return html.unescape(found.group(1)) if found else None


def test_the_list_shows_this_month_with_its_four_figures(office, ana, sends):
    page = ana.page("/sends")
    text = text_of(page)
    assert "Envíos masivos" in text
    for word in ("ID", "Plantilla", "Asunto", "Estado", "Reporte", "Creado", "Programado", "Adjuntos"):
        assert word in text, word
    for word in ("3 Total listado", "Pendientes", "Enviados", "Jobs activos", "programado"):
        assert word in text, word
    assert "Mes vigente" in text and 'href="/sends/new"' in page
    assert "Estado de cuenta" in text_of(ana.page("/sends?q=cuenta"))
    assert "Bienvenida" not in text_of(ana.page("/sends?q=cuenta")).split("Reporte", 1)[1]
    assert "Bienvenida" in text_of(ana.page("/sends?status=scheduled"))
    assert "Nada coincide" in text_of(ana.page("/sends?period=all&on=01/02/2020"))
    assert ana.send("GET", "/sends.csv?period=all").text.count("\n") == 4
    assert ana.send("GET", "/sends.xlsx").body[:2] == b"PK"


def test_the_list_of_an_older_month_comes_when_all_is_asked_for(sends):
    """A send of last month is not in the list until somebody asks for all of the time."""
    village = Village()
    try:
        house = village.house()
        house.serve()
        house.run("demo")
        house.stop()
        line = sqlite3.connect(house.state / "recado.db")
        line.execute("UPDATE bulk_send SET created_at = created_at - 40 * 86400000 WHERE id = 2")
        line.commit()
        line.close()
        house.serve()
        panel = house.panel("ana", lang="es")
        assert "Estado de cuenta" not in panel.page("/sends")
        assert "Estado de cuenta" in panel.page("/sends?period=all")
    finally:
        village.close()


def test_the_menu_has_a_heading_of_its_own(ana):
    page = ana.page("/")
    menu = page.split('<nav class="menu"')[1].split("</nav>")[0]
    heads = [text_of(h).strip() for h in re.findall(r'<p class="menu-title"[^>]*>(.*?)</p>', menu)]
    assert heads.index("Negocio") + 1 == heads.index("Envíos masivos") == heads.index("Mensajes") - 1
    own = menu.split("Envíos masivos")[1].split("menu-title")[0]
    assert [word for word in ("Envíos", "Remitentes", "Manual del operador") if word not in own] == []
    assert "/panel" not in own and "/reports" not in own, "reports are in the menu by setting only"


def test_the_page_of_a_send_tells_how_it_stands(ana, sends):
    done, timed = text_of(ana.page(f"/sends/{sends[1]['id']}")), ana.page(f"/sends/{sends[3]['id']}")
    for word in ("Refrescar detalle", "Archivo de destinatarios", "Filas inválidas", "Auditoría", "bienvenida.csv"):
        assert word in done, word
    assert "dentro de 1 día" in text_of(timed) and "Encolar envío" in timed and "Cambiar la hora" in timed
    assert f'action="/sends/{sends[3]["id"]}/process"' in timed and f'action="/sends/{sends[3]["id"]}/cancel"' in timed


def test_english_is_whole_too(office, sends, template):
    eve = office.panel("eve", lang="en")
    spanish = re.compile(r"[áéíóúñ¿¡]|Envío|Plantilla|filas", re.I)
    for path in ("/sends", f"/sends/{sends[3]['id']}", f"/sends/{sends[1]['id']}/rows", f"/sends/{sends[1]['id']}/unsure",
                 "/help/sends", "/help/manual"):
        main = eve.page(path).split("<main", 1)[1]
        for own in ("Bienvenida", "Estado de cuenta", "Operadores UI"):
            main = main.replace(own, "")
        words = text_of("<main" + main)
        assert not spanish.search(words), f"{path}: {spanish.search(words)} in {words[:3000]}"


def test_a_preview_says_what_is_wrong_and_makes_nothing(office, ana, template):
    before = office.sql("SELECT count(*) FROM bulk_send")[0][0]
    page = upload(ana, "/sends/preview", SPOILT, template_id=template, subject="", send_now="1")
    text = text_of(page)
    for word in ("5 Filas del archivo", "no es una sola dirección", "La fila no tiene dirección", "Una fila anterior dice lo mismo",
                 "utf-8", "“;”", "gmial.com"):
        assert word in text, word
    assert "recipient_invalid" not in text, "codes are for programs"
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page
    assert "lista.csv" in text and 'name="kept_file"' in page, "the file need not be chosen again"
    assert office.sql("SELECT count(*) FROM bulk_send")[0][0] == before
    page = text_of(upload(ana, "/sends/preview", "email\nana@example.com\n", template_id=template))
    assert "La plantilla necesita variables que el archivo no tiene en todas las filas: nombres plan" in page
    assert "0 Se enviarían" in page, "a send with a missing variable is refused whole"


def test_a_refused_file_is_not_called_received(ana, template):
    kept = re.search(r'name="kept_file" value="([^"]+)"', upload(ana, "/sends/preview", CSV, template_id=template)).group(1)
    page = upload(ana, "/sends/preview", "email\n", status=422, template_id=template, kept_file=kept)
    assert "no tiene destinatarios" in field_error(page, FILE)
    assert 'name="kept_file"' not in page and "recibido" not in text_of(page), "neither the wrong file nor the one before it"


def test_a_preview_shows_each_mail_in_a_frame_without_rights(office, ana, template):
    page = upload(ana, "/sends/preview", CSV, template_id=template)
    assert "Bienvenido, Ana" in text_of(page)
    frame = html.unescape(re.search(r'<iframe[^>]* src="([^"]+)"', page).group(1))
    assert re.search(r"<iframe[^>]* sandbox ", page), "the frame may do nothing"
    reply = ana.send("GET", frame)
    assert reply.status == 200 and "<h1>Hola Ana</h1>" in reply.text
    assert "sandbox" in reply.headers["content-security-policy"]
    kept = re.search(r'name="kept_file" value="([^"]+)"', page).group(1)
    page = upload(ana, "/sends/preview", None, template_id=template, kept_file=kept, preview_row="1")
    assert "Bienvenido, Leo" in text_of(page)
    frame = html.unescape(re.search(r'<iframe[^>]* src="([^"]+)"', page).group(1))
    assert "Leo &lt;b&gt;" in ana.send("GET", frame).text
    bob = office.panel("bob")
    assert bob.send("GET", frame).status == 404, "the file is Ana's"


def test_every_wrong_field_has_its_sentence(ana, template):
    page = upload(ana, "/sends/preview", None, status=422, scheduled_at="2001-01-01T10:00", subject="x" * 256,
                  sender_id="nobody", dedupe="some", channel="email", variables="no equals sign")
    assert field_error(page, "template_id") == "Elige una plantilla o escribe su id."
    assert field_error(page, FILE) == "Elige el archivo de destinatarios."
    assert field_error(page, "scheduled_at") == "Esa hora ya pasó. Elige una posterior o déjala vacía."
    assert field_error(page, "subject") == "Una sola línea de 255 letras como máximo."
    assert field_error(page, "sender_id") == "Ese remitente no existe o no está activo."
    assert field_error(page, "dedupe") == "Elige una de las opciones de la lista."
    assert field_error(page, "variables") == "Escribe una línea por variable: variable = columna del archivo."
    assert "x" * 256 in page, "what was typed stays"
    page = text_of(upload(ana, "/sends/preview", "nombre;plan\nAna;Básico\n", template_id=template))
    assert "Columna de la dirección No detectada" in page and "columna" in page.split("Vista previa")[1]
    page = upload(ana, "/sends/preview", "email;Email\nana@example.com;x\n", status=422, template_id=template)
    assert field_error(page, FILE)
    page = upload(ana, "/sends/preview", CSV, status=422, template_id=template, scheduled_at="mañana")
    assert field_error(page, "scheduled_at") and 'value="mañana"' in page


def test_rows_are_told_page_by_page_and_as_files(office, ana, sends):
    one = sends[2]["id"]
    page = text_of(ana.page(f"/sends/{one}/rows?state=invalid"))
    assert "sin-arroba.example.com" in page and "Inválida" in page
    lines = ana.send("GET", f"/sends/{one}/rows.csv").text.splitlines()
    assert lines[0] == ("row,email,status,send_status,error_code,error_message,message_id,sent_at,delivery_status,"
                        "opens,clicks") and len(lines) == 41
    assert ana.send("GET", f"/sends/{one}/rows.xlsx").body[:2] == b"PK"
    assert ana.send("GET", f"/sends/{one}/rows?state=<script>").status == 200
    assert "No hay nada que decidir" in ana.page(f"/sends/{one}/unsure")


def test_what_somebody_may_not_do_has_no_button_and_is_refused(office, sends, template):
    one = sends[3]["id"]
    manager = office.panel("rosa", role="report_managers", lang="es")
    page = manager.page(f"/sends/{one}")
    assert "Encolar envío" not in page and "Cancelar" not in page and "Cambiar la hora" not in page
    assert 'href="/sends/new"' not in manager.page("/sends")
    assert "Procesar envío masivo seleccionado" not in manager.page("/sends")
    assert manager.send("GET", "/sends/new").status == 403
    upload(manager, "/sends/preview", CSV, status=403, template_id=template)
    assert manager.send("POST", f"/sends/{one}/jobs/1/again", {"csrf": manager.csrf()}).status == 403
    assert manager.send("POST", "/sends/actions/enqueue", {"csrf": manager.csrf(), "ids": one}).status == 403
    stranger = office.panel("pepe", role="seller", lang="es")
    assert 'href="/sends"' not in stranger.page("/")
    for path in ("/sends", "/sends.csv", f"/sends/{one}", f"/sends/{one}/rows", f"/sends/{one}/rows.csv",
                 f"/sends/{one}/unsure", f"/sends/{one}/progress", "/sends/progress", "/sends/new", "/manual"):
        assert stranger.send("GET", path).status == 403, path
    operator = office.panel("olga", role="operadores_ui", lang="es")
    assert "Encolar envío" in operator.page(f"/sends/{one}") and 'href="/sends/new"' in operator.page("/sends")


def test_a_state_change_without_its_token_is_refused(ana, sends):
    one = sends[3]["id"]
    for path in ("/sends/preview", f"/sends/{one}/jobs/1/again", "/sends/actions/enqueue"):
        assert ana.send("POST", path, {"ids": one}).status == 403, path


def test_a_send_is_made_by_its_form_and_called_off(office, ana, template):
    """Saved without the tick it waits; its buttons do what they say, and a hostile name stays text."""
    evil = '<img src=x onerror=alert(1)>"&\'{{nombres}}'
    page = upload(ana, "/sends/preview", CSV, template_id=template, subject=evil)
    kept = re.search(r'name="kept_file" value="([^"]+)"', page).group(1)
    request_id = re.search(r'name="client_request_id" value="([^"]+)"', page).group(1)
    fields = {"template_id": template, "subject": evil, "kept_file": kept, "client_request_id": request_id}
    upload(ana, "/sends", None, status=303, **fields)
    path = "/sends/" + office.sql("SELECT public_id FROM bulk_send WHERE client_request_id = ?", request_id)[0][0]
    upload(ana, "/sends", None, status=303, **fields)
    assert office.sql("SELECT count(*) FROM bulk_send WHERE client_request_id = ?", request_id) == [(1,)], "pressed twice"
    wait_until(lambda: "lista" in text_of(ana.page(path)).split("Refrescar detalle")[1][:80], "the file to be read")
    page = ana.page(path)
    assert "<img src=x" not in page and "&lt;img src=x" in page
    assert "<img src=x" not in ana.page("/sends") and "&lt;img src=x" in ana.page("/sends")
    assert "Encolar envío" in page
    assert "programado" in text_of(ana.post(path + "/schedule", scheduled_at="2199-01-01T10:00"))
    ana.post(path + "/schedule", scheduled_at="")
    assert "programado" not in text_of(ana.page(path)).split("Refrescar detalle")[1][:80]
    assert "cancelado" in text_of(ana.post(path + "/cancel"))
    assert 'action="' + path + "/process" not in ana.page(path)


def test_a_refused_form_comes_back_with_what_was_typed(office, ana, template):
    page = upload(ana, "/sends", CSV, status=422, template_id=template, subject="Mi asunto", scheduled_at="2001-01-01T10:00")
    assert field_error(page, "scheduled_at") and 'value="Mi asunto"' in page
    assert "lista.csv" in page and 'name="kept_file"' in page, "the file came and stays"
    assert not office.sql("SELECT 1 FROM bulk_send WHERE subject = 'Mi asunto'")


def test_the_manual_tells_both_days_in_both_languages(office, ana):
    text = text_of(ana.page("/help/manual"))
    for word in ("El día del operador", "El día del Report Manager", "Cuando un envío no avanza", "Vista previa",
                 "Encolar envío inmediatamente", "Programar envío", "Auditoría", "Reintentar", "Actualizar reporte",
                 "Refrescar detalle", "Crear envío"):
        assert word in text, word
    assert ana.send("GET", "/manual").headers["location"] == "/help/manual"
    assert "rel=\"help\"" in ana.page("/sends") and "/help/sends" in ana.page("/sends")


def test_figures_and_the_forecast_know_the_sends(office, ana, sends):
    assert "Total listado" in text_of(ana.page("/"))
    reply = request(office.address, "GET", "/metrics",
                    headers={"Authorization": "Bearer " + office.token("prometheus", "metrics.view")})
    assert 'sends_bulk{state="pending"}' in reply.text and "sends_timed 1" in reply.text
    told = office.folder / "forecast.csv"
    office.run("forecast", "--days", "5", "--csv", told)
    assert told.read_text().count("@example.com") >= sends[3]["import"]["valid_rows"]
