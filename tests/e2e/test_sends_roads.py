"""The roads that need no provider of templates: one file over SMTP and over SendGrid, with a template of the panel."""
import base64
import email
import email.policy
import html as html_of
import json
import os
import secrets
import time
import urllib.parse

import pytest

from house import Village, request, text_of, wait_until
from smtp_server import MailServer, certificate, folder_of
from test_postfix import POSTFIX, Postfix

PUBLIC = "https://tienda.example"
PDF = b"%PDF-1.4 tarifas\n"
ODD = '{{x}} </script> "hola" & {a} \\'
TEMPLATE = {"name": "Aviso", "subject": "Aviso para {{cliente.nombre}}",
            "html": "<p>Hola {{cliente.nombre}} de {{cliente.pais}}: {{{mensaje}}}</p>{{#nota}}<pre>{{nota}}</pre>{{/nota}}"
                    "<p>{{email}} <a href=\"{{baja}}\">Baja</a></p>",
            "text": "Hola {{cliente.nombre}}: {{mensaje}}\n{{#nota}}{{nota}}\n{{/nota}}Baja: {{baja}}\n"}
SETTINGS = {"outbox.window_from": "00:00", "outbox.window_to": "00:00", "web.public_url": PUBLIC, "sends.pace_ms": "0",
            "business.name": "Cine en Casa", "doppler.from_email": "ventas@tienda.example", "doppler.from_name": "Tienda Ñ"}
PAGE = {"Content-Type": "application/x-www-form-urlencoded"}


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


def people(*names):
    rows = "".join(f"{name}@example.com;{quoted(f'Pérez, {name}')};{name.title()};EC;{quoted(ODD)};"
                   + (quoted("línea 1\nlínea 2") if name == "ana" else "") + "\n" for name in names)
    return "email;nombres;cliente.nombre;cliente.pais;mensaje;nota\n" + rows


def send(house, channel, template, rows, *attachments, **more):
    edge, body = secrets.token_hex(12), b""
    parts = [("template_id", template), ("channel", channel), ("send_now", "1"), *more.items()]
    parts += [("attachments", a) for a in attachments]
    for name, value in parts:
        body += f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    body += (f'--{edge}\r\nContent-Disposition: form-data; name="recipients_file"; filename="c.csv"\r\n'
             f'Content-Type: text/csv\r\n\r\n{rows}\r\n--{edge}--\r\n').encode()
    reply = request(house.address, "POST", "/api/v1/sends", body, {
        "Content-Type": f"multipart/form-data; boundary={edge}", "Authorization": "Bearer " + house.api.token})
    assert reply.status == 201, reply
    return reply.json["id"]


def ended(house, send_id, state="done"):
    return wait_until(lambda: (s := house.api.get("sends/" + send_id))["status"] == state and s, f"the send {state}")


def rows_of(house, send_id):
    return {row["email"]: (row["send_status"], row["error_code"])
            for row in house.api.get(f"sends/{send_id}/recipients?limit=200")["results"]}


def ready(house):
    template = house.api.call("POST", "templates", TEMPLATE)
    file = house.api.call("POST", "attachments", {"name": "tarifas.pdf", "content": base64.b64encode(PDF).decode()})
    assert template.status == file.status == 201, (template, file)
    sender = house.api.post("senders", from_email="ventas@tienda.example", from_name="Tienda Ñ",
                            reply_to="respuestas@tienda.example")
    return template.json["id"], file.json["id"], sender["id"]


def preview(house, template, send_id, row=1):
    return house.api.get(f"templates/{template}/preview?send={send_id}&row={row}")


def read(raw):
    return email.message_from_bytes(raw, policy=email.policy.default)


def lines(text):
    return text.replace("\r\n", "\n").rstrip("\n")


def check_mail(mail, shown, name):
    """Headers as a mailing must have them, both texts as the preview showed them; the link to unsubscribe."""
    url = str(mail["list-unsubscribe"]).strip("<>")
    assert url.startswith(PUBLIC + "/u/") and mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    (sender,), (to,) = mail["from"].addresses, mail["to"].addresses
    assert (sender.addr_spec, sender.display_name) == ("ventas@tienda.example", "Tienda Ñ")
    assert (to.addr_spec, to.display_name) == (f"{name}@example.com", f"Pérez, {name}")
    assert mail["reply-to"].addresses[0].addr_spec == "respuestas@tienda.example"
    assert mail["subject"] == f"Aviso para {name.title()}" == shown["subject"]
    html = lines(mail.get_body(("html",)).get_content())
    assert html == lines(shown["html"]).replace('href="#"', f'href="{url}"')
    assert html_of.escape(ODD).replace("&#x27;", "'") in html and "</script>" not in html
    assert lines(mail.get_body(("plain",)).get_content()) == lines(shown["text"]).replace("Baja: #", "Baja: " + url)
    (file,) = mail.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("tarifas.pdf", PDF)
    return urllib.parse.urlsplit(url).path


def test_a_file_leaves_by_smtp_once_each_and_who_bounced_or_left_is_left_out_next_time():
    village = Village()
    server = MailServer(per_to={"nadie@example.com": {"rcpt": "550 5.1.1 No such user here"},
                                "luego@example.com": {"end": "451 4.3.0 Try again later"}})
    try:
        house = village.house({**SETTINGS, "smtp.host": "127.0.0.1", "smtp.port": str(server.port),
                               "smtp.from": "Otra <otra@example.com>", "smtp.security": "none"}).serve()
        template, file, sender = ready(house)
        first = send(house, "email", template, people("ana", "eva", "nadie", "luego"), file, sender_id=sender)
        wait_until(lambda: house.sql("SELECT 1 FROM message WHERE attempts > 0 AND state = 'queued'"), "who is put off")
        wait_until(lambda: len(server.to("ana@example.com") + server.to("eva@example.com")) == 2, "the others")
        # Put off after its content: the same mail again, later.
        server.per_to.pop("luego@example.com")
        house.stop()
        house.serve(now=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7200)))
        done = ended(house, first)
        assert (done["counts"]["sent"], done["counts"]["failed"]) == (3, 1)
        assert rows_of(house, first)["nadie@example.com"] == ("send_failed", "no_mailbox")
        assert sorted(mail["to"] for mail in server.mails) == ["ana@example.com", "eva@example.com"] + ["luego@example.com"] * 2
        twice = [read(mail["raw"]) for mail in server.to("luego@example.com")]
        assert twice[0]["message-id"] == twice[1]["message-id"] and twice[0]["date"] == twice[1]["date"]
        ids = {read(mail["raw"])["message-id"] for mail in server.mails}
        assert len(ids) == 3
        links = {}
        for row, name in enumerate(("ana", "eva"), 1):
            (mail,) = server.to(f"{name}@example.com")
            assert mail["from"] == "ventas@tienda.example"
            parsed = read(mail["raw"])
            assert str(parsed["list-id"]) == "<cine-en-casa.tienda.example>"
            links[name] = check_mail(parsed, preview(house, template, first, row), name)
        # Two lines in one cell, and a section that one of them has not.
        assert "<pre>línea 1\nlínea 2</pre>" in preview(house, template, first, 1)["html"]
        assert "<pre>" not in preview(house, template, first, 2)["html"]
        assert "¿No recibir más correos?" in text_of(request(house.address, "GET", links["eva"]).text)
        assert request(house.address, "POST", links["eva"], "List-Unsubscribe=One-Click", PAGE).status == 200
        second = send(house, "email", template, people("ana", "eva", "nadie"))
        assert ended(house, second)["counts"]["sent"] == 1
        assert rows_of(house, second) == {"ana@example.com": ("sent", ""), "eva@example.com": ("not_started", "suppressed"),
                                          "nadie@example.com": ("not_started", "suppressed")}
        assert len(server.to("ana@example.com")) == 2 and len(server.mails) == 5
    finally:
        village.close()
        server.close()


def test_the_same_file_leaves_by_sendgrid_and_a_bounce_told_later_is_on_its_row_and_in_the_figures():
    village = Village()
    try:
        standin = village.standin()
        key = standin.get("/_standin/sendgrid")["public_key"]
        house = village.house({**SETTINGS, "sendgrid.base_url": standin.address, "sendgrid.api_key": "SG.key",
                               "sendgrid.webhook_key": key}, standin).serve()
        standin.post("/_standin/sendgrid", webhook=house.address + "/webhook/sendgrid/", delivered_ms=0)
        template, file, sender = ready(house)
        first = send(house, "sendgrid", template, people("ana", "eva", "bounce"), file, sender_id=sender)
        told = wait_until(lambda: (c := ended(house, first)["counts"])["delivered"] == 2 and c["failed_late"] == 1 and c, "events")
        assert told["sent"] == told["failed"] - 1 == 0
        bodies = [json.loads(row["body"]) for row in standin.received() if row["provider"] == "sendgrid"]
        assert sorted(body["personalizations"][0]["to"][0]["email"] for body in bodies) == [
            f"{name}@example.com" for name in ("ana", "bounce", "eva")]
        (body,) = [body for body in bodies if body["personalizations"][0]["to"][0]["email"] == "ana@example.com"]
        shown, url = preview(house, template, first), body["headers"]["List-Unsubscribe"].strip("<>")
        assert body["subject"] == shown["subject"] == "Aviso para Ana"
        content = {part["type"]: part["value"] for part in body["content"]}
        assert lines(content["text/html"]) == lines(shown["html"]).replace('href="#"', f'href="{url}"')
        assert lines(content["text/plain"]) == lines(shown["text"]).replace("Baja: #", "Baja: " + url)
        assert body["from"] == {"email": "ventas@tienda.example", "name": "Tienda Ñ"}
        assert body["reply_to"]["email"] == "respuestas@tienda.example"
        assert base64.b64decode(body["attachments"][0]["content"]) == PDF
        # What came back afterwards: on the row, in the figures, and in who is left out next time.
        assert rows_of(house, first)["bounce@example.com"][0] == "send_failed"
        figures = house.api.get(f"sends/{first}/report")
        assert (figures["sent"], figures["delivered"], figures["bounced"]) == (3, 2, 1)
        assert (figures["delivery_bp"], figures["bounce_bp"], figures["open_bp"], figures["click_bp"]) == (6667, 3333, None, None)
        page = text_of(house.panel("ana").page(f"/sends/{first}/report"))
        assert "66,6 %" in page or "66,7 %" in page
        # SendGrid's events say that nobody complained or left; opens nobody tells, and no report is promised.
        assert (figures["spam"], figures["unsubscribed"], figures["opens"]) == (0, 0, None)
        assert "Spam 0" in page and "no se rastrean las aperturas" in page and "Próxima consulta" not in page
        about = house.api.get(f"sends/{first}")
        assert about["post_reports_status"] is None and about["report"]["state"] == "ready" and about["report"]["reports"] == []
        second = send(house, "sendgrid", template, people("ana", "bounce"))
        ended(house, second)
        assert rows_of(house, second)["bounce@example.com"] == ("not_started", "suppressed")
    finally:
        village.close()


@pytest.mark.skipif(os.geteuid() != 0 or (os.path.exists("/usr/sbin/sendmail") and not os.path.exists(POSTFIX)),
                    reason="Postfix starts as root only, beside no other mail server")
def test_a_real_mail_server_takes_a_mailing_and_whom_it_does_not_know_is_left_out_next_time():
    village, postfix = Village(), None
    try:
        pem, trusted = certificate(folder_of(village))
        postfix = Postfix(pem)
        house = village.house({**SETTINGS, "smtp.host": "127.0.0.1", "smtp.port": str(postfix.port), "smtp.security": "starttls",
                               "smtp.ca_file": str(trusted), "smtp.from": "Tienda Ñ <ventas@tienda.example>"}).serve()
        template, file, sender = ready(house)
        rows = people("ana", "nadie").replace("@example.com", "@example.org")
        first = send(house, "email", template, rows, file, sender_id=sender)
        ended(house, first)
        assert rows_of(house, first) == {"ana@example.org": ("sent", ""), "nadie@example.org": ("send_failed", "no_mailbox")}
        (raw,) = wait_until(postfix.mails, "the mailbox")
        mail, shown = read(raw), preview(house, template, first)
        assert mail["subject"] == "Aviso para Ana" and mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
        url = str(mail["list-unsubscribe"]).strip("<>")
        assert lines(mail.get_body(("html",)).get_content()) == lines(shown["html"]).replace('href="#"', f'href="{url}"')
        assert mail["return-path"] == "<ventas@tienda.example>"
        second = send(house, "email", template, rows)
        ended(house, second)
        assert rows_of(house, second) == {"ana@example.org": ("sent", ""), "nadie@example.org": ("not_started", "suppressed")}
        wait_until(lambda: len(postfix.mails()) == 2, "the second mail")
    finally:
        if postfix:
            postfix.close()
        village.close()
