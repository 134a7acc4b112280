"""Templates of bulk sends: the panel's own and the provider's, what they need, and how a mail would look."""
import base64
import json
import re

import pytest

from house import Panel, request, text_of, wait_until

HOSTILE = '<img src=x onerror="alert(1)"><script>alert(2)</script>'
SALDO = "11111111-1111-4111-8111-111111111111"


@pytest.fixture(scope="module")
def house():
    from house import Village
    village = Village()
    made = village.house().serve()
    made.ana = made.panel("ana")
    made.rita = made.panel("rita", "reader")
    yield made
    village.close()


def doppler(house, **values):
    reply = request(house.address, "POST", "/_standin/doppler", json.dumps(values), {"Content-Type": "application/json"})
    assert reply.status == 200, reply


def written(house, name, subject, html, text="", status=201):
    reply = house.api.call("POST", "templates", {"name": name, "subject": subject, "html": html, "text": text})
    assert reply.status == status, reply
    return reply.json.get("id") if status == 201 else reply.json["error"]


def form(house, path, values, field, name, content):
    """A program sends a form with one file."""
    line = b"x" * 30
    parts = [b'Content-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (k.encode(), v.encode()) for k, v in values.items()]
    parts.append(b'Content-Disposition: form-data; name="%s"; filename="%s"\r\nContent-Type: text/csv\r\n\r\n%s\r\n'
                 % (field.encode(), name.encode(), content))
    body = b"".join(b"--" + line + b"\r\n" + part for part in parts) + b"--" + line + b"--\r\n"
    return request(house.address, "POST", "/api/v1/" + path, body, {
        "Authorization": "Bearer " + house.api.token, "Content-Type": "multipart/form-data; boundary=" + line.decode()})


def uploaded(house, name, content):
    return form(house, "attachments", {}, "file", name, content)


def variables_of(house, template):
    return {v["name"]: (v["is_optional"], v["is_in_subject"]) for v in house.api.get(f"templates/{template}")["variables"]}


def test_a_template_is_written_tried_changed_and_deleted_in_the_panel(house):
    page = house.ana.post("/templates", source="panel", name="Cobro de mayo", subject="Hola {{nombre}}",
                          html="<p>Hola {{nombre}}, debes {{Valor}}.</p>{{#nota}}<p>{{nota}}</p>{{/nota}}", text="")
    assert "La plantilla se guardó." in text_of(page) and "cómo darse de baja" in text_of(page)
    template = re.search(r'action="/templates/(\w{26})/test"', page).group(1)
    assert variables_of(house, template) == {"nombre": (False, True), "Valor": (False, False), "nota": (True, False)}
    assert "Hola {{nombre}}, debes {{Valor}}." in house.api.get(f"templates/{template}")["text"]
    # A test leaves for one's own address, once, with made-up values.
    press = re.search(r'name="request_id" value="(\w{26})"', page).group(1)
    for _ in range(2):  # pressed twice: one mail
        house.ana.post(f"/templates/{template}/test", to="yo@example.com", request_id=press)
    mail = wait_until(lambda: next((m for m in house.messages() if m["state"] in ("sent", "delivered")), None), "the test")
    got = [row for row in request(house.address, "GET", "/_standin/received").json if row["to"] == "yo@example.com"]
    assert len(got) == 1 and mail["topic"] == "service"
    reply = house.ana.send("POST", f"/templates/{template}/test", {"csrf": house.ana.csrf(), "to": "nadie"})
    assert reply.status == 400 and len(house.messages()) == 1
    # Changing it: what somebody else saved meanwhile is not written over.
    form = house.ana.page(f"/templates/{template}/edit")
    seen = re.search(r'name="_seen" value="(\d+)"', form).group(1)
    change = {"csrf": house.ana.csrf(), "name": "Cobro", "subject": "Hola", "html": "<p>{{baja}}</p>", "_seen": seen}
    assert house.ana.send("POST", f"/templates/{template}", change).status == 303
    late = house.ana.send("POST", f"/templates/{template}", {**change, "subject": "Chao"})
    assert late.status == 422 and "Otra persona guardó" in text_of(late.text) and 'value="Chao"' in late.text
    assert "darse de baja" not in text_of(house.ana.page(f"/templates/{template}"))
    assert variables_of(house, template) == {}
    assert "¿Borrar esta plantilla?" in text_of(house.ana.page(f"/templates/{template}/delete"))
    house.ana.post(f"/templates/{template}/delete")
    assert house.api.call("GET", f"templates/{template}").status == 404
    # Its name is free again.
    written(house, "Cobro", "Hola", "<p>a</p>")


def test_what_is_not_mustache_is_refused_with_its_line(house):
    error = written(house, "Rota", "Hola", "<p>\n{{#si}}</p>", status=400)
    assert error["message"] == "HTML, line 2: The section si is never closed." or "línea 2" in error["message"]
    error = written(house, "", "", "", status=400)
    assert {"name", "subject"} <= set(error["fields"])
    error = written(house, "Doble", "Hola", "<p>a</p>") and written(house, "Doble", "Hola", "<p>b</p>", status=400)
    assert "name" in error["fields"]
    reply = house.ana.send("POST", "/templates", {"csrf": house.ana.csrf(), "source": "panel", "name": "Otra",
                                                  "subject": "x", "html": "<p>{{a b</p>"})
    assert reply.status == 422 and "HTML, línea 1" in text_of(reply.text) and "{{a b" in reply.text


def test_a_preview_escapes_what_a_row_says_and_marks_what_it_lacks(house):
    template = written(house, "Vista", "Para {{nombre}}", '<p>{{nombre}} {{{nombre}}}</p><a href="{{enlace}}">{{Falta}}</a>')
    csv = f'email;nombre;enlace\nana@example.com;"{HOSTILE.replace(chr(34), chr(34) * 2)}";https://a.example\neva@example.com;Eva;x\n'
    reply = form(house, "sends", {"template_id": template, "channel": "email", "send_now": "0"}, "recipients_file", "a.csv",
                 csv.encode())
    assert reply.status in (200, 201, 202), reply
    send = wait_until(lambda: house.sql(
        "SELECT public_id FROM bulk_send WHERE template_id = ? AND import_status LIKE 'ready%'", template), "the import")[0][0]
    got = house.api.get(f"templates/{template}/preview?send={send}&row=1")
    assert got["source"] == "panel" and "<script>" not in got["html"] and got["html"].count("&lt;script&gt;") == 2
    assert got["missing"] == ["Falta"] and ">Falta</mark>" in got["html"] and 'href="https://a.example"' in got["html"]
    page = house.ana.page(f"/templates/{template}?send={send}&row=1")
    assert "A esta fila le falta" in text_of(page) and HOSTILE not in page
    following = re.search(r'href="(/templates/[^"]+row=2)"', page).group(1).replace("&amp;", "&")
    second = house.ana.page(following)
    assert "eva@example.com" in text_of(second) and "row=1" in second
    frame = house.ana.send("GET", re.search(r'<iframe[^>]+src="([^"]+)"', second).group(1).replace("&amp;", "&"))
    assert frame.text.startswith("<p>Eva Eva</p>")
    policy = frame.headers["content-security-policy"]
    assert policy.startswith("sandbox;") and "script-src" not in policy and "frame-ancestors 'self'" in policy
    assert frame.headers["x-frame-options"] == "SAMEORIGIN"
    assert "frame-ancestors 'none'" in house.ana.send("GET", f"/templates/{template}").headers["content-security-policy"]
    assert house.api.call("GET", f"templates/{template}/preview?send={send}&row=3").status == 404


def test_the_providers_templates_are_listed_read_and_kept_when_it_is_away(house):
    doppler(house, extra_templates=230)
    listed = house.api.get("templates?refresh=1&source=doppler")
    assert len(listed["data"]) == 234 and listed["why"] == ""
    assert {t["id"] for t in listed["data"]} >= {SALDO}
    assert [t["name"] for t in house.api.get("templates?q=SALDO")["data"]] == ["Aviso de saldo"]
    got = house.api.get(f"templates/{SALDO}/preview")
    assert got["source"] == "api" and "Hola" in got["html"]
    assert house.api.get(f"templates/{SALDO}/preview")["source"] == "cache"
    assert variables_of(house, SALDO) == {"nombre": (False, True), "Valor": (False, False)}
    editor = text_of(house.ana.page("/templates/44444444-4444-4444-8444-444444444444"))
    assert "editor visual" in editor
    # Away: the list stays, the reason stands above it; programs get 502. After three failures it is left alone.
    doppler(house, extra_templates=0, faults=[{"call": "templates", "answer": "code401", "times": 100}])
    for _ in range(3):
        assert house.api.call("GET", "templates?refresh=1").status == 502
    assert house.api.call("GET", "templates?refresh=1").status == 503
    again = house.api.get("templates?source=doppler")
    assert len(again["data"]) == 234 and again["why"] != ""
    assert "Aviso de saldo" in text_of(house.ana.page("/templates"))
    doppler(house, faults=[])


def test_the_providers_templates_are_made_changed_and_deleted_by_jobs(house):
    doppler(house, faults=[])
    reply = house.ana.send("POST", "/templates", {"csrf": house.ana.csrf(), "source": "doppler", "name": "Nueva",
                                                  "subject": "Hola {{a}}", "from_email": "a@example.com",
                                                  "from_name": "A", "html": "<p>{{a}}</p>"})
    assert reply.status == 303 and reply.headers["location"].startswith("/templates/work/")
    done = house.ana.send("GET", reply.headers["location"])
    assert done.status == 303, text_of(done.text)
    there = done.headers["location"]
    assert "se guardó en el proveedor" in text_of(house.ana.page(there))
    template = there.split("/")[-1]
    reply = house.api.call("POST", f"templates/{template}", {"name": "Nueva 2", "subject": "Hola", "html": "<p>{{b}}</p>"})
    assert reply.status == 202
    wait_until(lambda: "b" in variables_of(house, template), "the change")
    rows = request(house.address, "GET", "/_standin/doppler").json["templates"]
    assert [t["name"] for t in rows if t["id"] == template] == ["Nueva 2"]
    assert house.api.call("POST", f"templates/{template}/delete", {}).status == 202
    wait_until(lambda: house.api.call("GET", f"templates/{template}").status == 404, "the deletion")
    rows = request(house.address, "GET", "/_standin/doppler").json["templates"]
    assert template not in [t["id"] for t in rows]


def test_who_only_reads_sees_templates_and_changes_nothing(house):
    assert "Aviso de saldo" in text_of(house.rita.page("/templates"))
    page = house.rita.page(f"/templates/{SALDO}")
    assert "/edit" not in page and "/delete" not in page
    for path in ("/templates/new", f"/templates/{SALDO}/edit", f"/templates/{SALDO}/delete"):
        assert house.rita.send("GET", path).status == 403
    assert house.rita.send("POST", "/templates", {"csrf": house.rita.csrf(), "name": "x"}).status == 403
    assert Panel(house).send("GET", f"/templates/{SALDO}/sample").status == 303


def test_a_user_has_one_active_sender_and_the_last_one_counts(house):
    first = house.api.post("senders", from_email="uno@example.com", from_name="Uno", user_id="ana")
    second = house.api.post("senders", from_email="dos@example.com", user_id="ana")
    active = {s["from_email"]: s["is_active"] for s in house.api.all("senders")}
    assert active == {"uno@example.com": False, "dos@example.com": True}
    house.ana.post(f"/senders/{first['id']}/activate")
    assert house.api.get(f"senders/{second['id']}")["is_active"] is False
    assert 'value="uno@example.com"' in house.ana.page("/emails/new")
    assert house.api.call("POST", "senders", {"from_email": "nada"}).status == 400


def test_an_attachment_is_kept_under_its_own_name_and_an_empty_one_refused(house):
    content = base64.b64encode(b"%PDF-1.4 hola").decode()
    made = house.api.call("POST", "attachments", {"name": "C:\\tmp\\tari\u0007fas.pdf", "content": content})
    assert made.status == 201 and made.json["name"] == "tarifas.pdf" and made.json["content_type"] == "application/pdf"
    reply = house.ana.send("GET", f"/attachments/{made.json['id']}/download")
    assert reply.body == b"%PDF-1.4 hola" and "tarifas.pdf" in reply.headers["content-disposition"]
    assert Panel(house).send("GET", f"/attachments/{made.json['id']}/download").status == 303
    assert house.api.call("POST", "attachments", {"name": "a.txt", "content": ""}).status == 400
    assert house.api.call("POST", "attachments", {"name": "a.txt", "content": "??"}).status == 400
    # Together 5120 kB as they travel: a third more than the file.
    fits = 5120 * 1024 // 4 * 3
    assert uploaded(house, "a.bin", b"x" * (fits + 1)).status == 413
    assert uploaded(house, "a.bin", b"x" * fits).status == 201 and "/attachments/new" in house.ana.page("/attachments")
    assert "tarifas.pdf" in text_of(house.ana.page("/attachments"))
