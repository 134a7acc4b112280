"""What nobody may read: keys, addresses, words of mails and values of variables, in logs, tables and answers."""
import base64
import os
import re
import sqlite3
import stat

import pytest

from house import Panel, Village, request, wait_until
from test_sends_sending import BALANCE, create, people, post, shown, until

KEY, SENDGRID_KEY = "clave-sentinela-7f3a9c", "SG.sentinela-5b1d8e"
ADDRESS, NAME, VALUE = "quetzal.sentinela@example.com", "NombreSentinela88", "ValorSentinela77"
SUBJECT, BODY, ATTACHED = "AsuntoSentinela55", "CuerpoSentinela99", "AdjuntoSentinela66"
SECRETS = (KEY, SENDGRID_KEY)
PERSONAL = (ADDRESS, ADDRESS.partition("@")[0], NAME, VALUE, BODY, ATTACHED)
# answered so by the part before the @ (the stand-in's table of faults)
FAULTS = ("code400", "code404", "code408", "code413", "code500", "html502", "badjson", "noid", "redirect", "close", "reset",
          "badlength", "code503")
# where the address, the variables or the words of a mail must be, since they are sent from there
HOLDERS = {"bulk_recipient", "contact", "message", "single_mail", "letter", "suppression", "mail_template"}


@pytest.fixture(scope="module")
def campaign():
    """A house at its most talkative, after a send with every fault, stops and a report of the day."""
    village = Village()
    standin = village.standin()
    house = village.house({
        "doppler.base_url": standin.address, "doppler.api_key": KEY, "sendgrid.api_key": SENDGRID_KEY,
        "doppler.account_id": "5", "doppler.from_email": "avisos@tienda.example", "doppler.from_name": "Tienda",
        "sends.pace_ms": "0", "sends.parallel": "4", "log.level": "debug", "log.files": "yes", "reports.poll_first_s": "1",
        "reports.poll_most_s": "1", "reports.timer": "no", "reports.manual_age_min": "0"}, standin).serve(secret=None)
    standin.post("/_standin/reset")
    made = house.api.call("POST", "attachments", {"name": "tarifas.txt", "content": base64.b64encode(ATTACHED.encode()).decode()})
    assert made.status == 201, made
    house.attachment = made.json["id"]
    # "noid" between the doubtful ones: ten of those in a row would stop the channel
    rows = "".join(f"{word}@example.com;{NAME};{VALUE}\nnoid{i}@example.com;{NAME};{VALUE}\n" for i, word in enumerate(FAULTS))
    house.sent = [create(house, f"email;nombre;Valor\n{ADDRESS};{NAME};{VALUE}\n" + rows, send_now="1",
                         subject=SUBJECT, attachments=house.attachment)]
    until(house, house.sent[0], "done")
    for word in ("code401", "code402", "code403", "code4004"):
        standin.post("/_standin/doppler", faults=[{"answer": word, "call": "send", "times": 1}])
        held = create(house, f"email;nombre;Valor\n{ADDRESS};{NAME};{VALUE}\n", send_now="1")
        paused = until(house, held, "paused")
        assert paused["status_why"] == "channel" and paused["status_words"], word
        house.run("outbox", "resume", "doppler")
        house.run("sends", "process")
        until(house, held, "done")
        house.sent.append(held)
    mail = house.api.post("emails", subject=SUBJECT, to_emails=f"{ADDRESS}, code500@example.com", text=BODY, html="",
                          channel="doppler")
    house.api.post(f"emails/{mail['id']}/send")
    wait_until(lambda: house.api.get(f"emails/{mail['id']}")["state"] == "unsure", "the single mail")
    house.mail = mail["id"]
    refused = post(house, "/api/v1/sends", template_id=BALANCE, channel="doppler",
                   recipients_file=f"email;email\n{ADDRESS};{ADDRESS}\n".encode(), send_now="1")
    assert refused.status in (201, 400)
    house.report = house.api.post("reports", type="deliveries", start_on="2026-01-05", end_on="2026-01-05")["id"]
    house.api.call("POST", "reports/process", {})
    wait_until(lambda: house.api.get(f"reports/{house.report}")["state"] == "READY", "the report")
    house.api.post(f"reports/{house.report}/load-default")
    wait_until(lambda: house.sql("SELECT count(*) FROM job WHERE state IN ('queued', 'running') AND kind LIKE 'sends.%'")
               == [(0,)], "the load")
    yield house
    village.close()


def test_the_log_at_its_most_talkative_names_nobody_and_shows_no_key(campaign):
    house = campaign
    logs = [house.log_path, *house.state.rglob("*.log")]
    assert len(logs) > 3, logs
    text = "\n".join(path.read_text(errors="replace") for path in logs)
    settled = [line for line in text.splitlines() if " message.settled " in line]
    assert " debug " in text and all(" domain=example.com " in line and " batch=" in line for line in settled)
    assert {re.search(r"outcome=(\w+)", line).group(1) for line in settled} > {"sent", "unsure", "refused"}
    for secret in (*SECRETS, *PERSONAL, "Authorization", "Bearer ", "ana@example.org"):
        assert secret not in text, [line for line in text.splitlines() if secret in line][:3]
    assert not re.search(r"(code\d+|html502|noid\d*)@example\.com", text)


def test_only_the_tables_that_send_know_addresses_and_values_and_no_table_knows_a_key(campaign):
    house = campaign
    tables = [row[0] for row in house.sql("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert HOLDERS <= set(tables)
    for table in tables:
        rows = repr(house.sql(f'SELECT * FROM "{table}"'))
        for secret in SECRETS + ("Authorization",):
            assert secret not in rows, (table, secret)
        if table not in HOLDERS:
            for secret in PERSONAL:
                assert secret not in rows, (table, secret, rows[max(0, rows.index(secret) - 200):][:400])
    results = house.sql("SELECT result_json, status_detail, import_json FROM bulk_send")
    assert not re.search(r"@example\.(com|org)", repr(results))
    # the history says that a mail was written and its words set, not which
    assert '"text":"***"' in house.sql("SELECT after_json FROM audit WHERE table_name = 'single_mail' ORDER BY id")[0][0]
    # an attempt keeps what the provider said, without the address it said it about
    told = house.sql("SELECT * FROM attempt")
    assert len(told) > len(FAULTS) and not re.search(r"(?<!\*\*\*)@example", repr(told))
    for name in ("recado.db", "recado.db-wal", "reports.db", "reports.db-wal"):
        path = house.state / name
        if path.exists():
            raw = path.read_bytes()
            assert not any(secret.encode() in raw for secret in SECRETS), name
    line = sqlite3.connect(house.state / "reports.db", timeout=10)
    try:
        assert line.execute("SELECT count(*) FROM report_load").fetchone()[0] > 0
    finally:
        line.close()


def ids_of(house):
    return {"sends": house.sent[0]["id"], "attachments": house.attachment, "emails": house.mail, "reports": house.report,
            "templates": BALANCE}


def test_who_may_see_nothing_of_sends_is_told_nothing_and_nobody_is_told_a_key(campaign):
    house, ids, count = campaign, ids_of(campaign), 0
    weak, strong = house.token("corto", "clients.view"), house.api.token
    for row in house.run("routes", json_out=True):
        root = row["path"].split("/")[1]
        if row["method"] != "GET" or row["no_api"] or row["realm"] != "staff" or root not in (
                "sends", "attachments", "emails", "reports", "templates", "senders", "suppressions", "outbox", "batches",
                "channels", "unsure", "jobs", "audit", "settings"):
            continue
        path = re.sub(r":\w+", ids.get(root, "1"), row["path"])
        for address in ("/api/v1" + path, path):
            seen = request(house.address, "GET", address, headers={"Authorization": "Bearer " + weak})
            assert seen.status in (401, 403, 404), (address, seen)
            assert not any(secret in seen.text for secret in (*SECRETS, *PERSONAL, SUBJECT)), address
        for address in ("/api/v1" + path, path):
            seen = request(house.address, "GET", address, headers={"Authorization": "Bearer " + strong})
            assert seen.status < 500 and not any(secret in seen.text for secret in SECRETS), (address, seen)
            assert "Authorization: " not in seen.text, address
        count += 1
    assert count > 30
    detail = shown(house, house.sent[0])
    assert ADDRESS not in repr(detail) and VALUE not in repr(detail)    # the rows are a call of their own


def test_a_page_of_a_refusal_repeats_no_key_and_no_file(campaign):
    house = campaign
    ana = house.panel("ana", lang="es")
    for path in ("/sends/999999", f"/sends/{house.sent[0]['id']}/nada", "/reports/1/download", "/attachments/zz/download",
                 "/sends/compare?sends=999999"):
        page = ana.send("GET", path)
        assert page.status < 500 and not any(secret in page.text for secret in (*SECRETS, *PERSONAL)), (path, page)
    spoilt = post(house, "/api/v1/sends", template_id=BALANCE, channel="nada", sender_id="x", variables="[",
                  recipients_file=f"correo\n{ADDRESS};;;\n".encode())
    assert spoilt.status == 400 and ADDRESS not in spoilt.text and KEY not in spoilt.text
    settings = ana.page("/settings") + ana.page("/channels")
    assert not any(secret in settings for secret in SECRETS)


def test_uploads_attachments_and_reports_are_for_their_owner_and_behind_a_right(campaign):
    house = campaign
    files = [path for path in house.state.rglob("*") if path.is_file()]
    holding = [path for path in files if path.name not in ("recado.db", "recado.db-wal", "reports.db", "reports.db-wal")
               and any(word.encode() in path.read_bytes() for word in (ADDRESS, ATTACHED))]
    assert len(holding) >= 2, files                              # the file of recipients and the attachment
    for path in files:
        assert stat.S_IMODE(os.stat(path).st_mode) & 0o077 == 0, path
    for path in holding:
        assert stat.S_IMODE(os.stat(path).st_mode) in (0o600, 0o400), path   # what is stored never changes again
    mudo = house.token("mudo", "clients.view")
    for path in (f"/attachments/{house.attachment}/download", f"/reports/{house.report}/download",
                 f"/sends/{house.sent[0]['id']}/recipients.csv", f"/api/v1/sends/{house.sent[0]['id']}/recipients"):
        assert request(house.address, "GET", path, headers={"Authorization": "Bearer " + house.api.token}).status == 200, path
        assert request(house.address, "GET", path, headers={"Authorization": "Bearer " + mudo}).status == 403, path
        assert request(house.address, "GET", path).status in (303, 401), path
        assert Panel(house).send("GET", path).status in (303, 401), path
    for path in holding:                                         # nothing is served from the folder itself
        inside = path.relative_to(house.state)
        for address in (f"/{inside}", f"/files/{path.name}", f"/assets/../{inside}"):
            assert request(house.address, "GET", address, headers={"Authorization": "Bearer " + house.api.token}).status in \
                (400, 404), address
