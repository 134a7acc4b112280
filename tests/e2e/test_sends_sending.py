"""A bulk send from its file to its end; the stand-in's own record says who got a mail, and how often."""
import collections
import datetime
import json
import secrets
import sqlite3
import threading

import pytest

from house import Village, request, text_of, wait_until

BALANCE = "11111111-1111-4111-8111-111111111111"        # wants {{nombre}} and {{Valor}}
SETTINGS = {"doppler.api_key": "key-of-relay", "doppler.account_id": "5", "doppler.from_email": "avisos@tienda.example",
            "doppler.from_name": "Tienda", "sends.pace_ms": "0", "sends.parallel": "4"}


@pytest.fixture(scope="module")
def town():
    made = Village()
    yield made
    made.close()


@pytest.fixture(scope="module")
def pair(town):
    standin = town.standin()
    house = town.house({**SETTINGS, "doppler.base_url": standin.address, "sendgrid.base_url": standin.address,
                        "sendgrid.api_key": "SG.key"}, standin)
    return house.serve(secret=None), standin


@pytest.fixture
def relay(pair):
    pair[1].post("/_standin/reset")
    return pair


def people(n, tag, header="email;nombre;Valor"):
    return header + "\n" + "".join(f"{tag}{i}@example.com;P{i};{i}\n" for i in range(n))


def fields(**given):
    """A multipart body as a browser makes it; a bytes value is a file."""
    edge = secrets.token_hex(12)
    body = b""
    for name, value in given.items():
        head = f'Content-Disposition: form-data; name="{name}"'
        if isinstance(value, bytes):
            head += '; filename="clientes.csv"\r\nContent-Type: text/csv'
        body += f"--{edge}\r\n{head}\r\n\r\n".encode() + (value if isinstance(value, bytes) else str(value).encode()) + b"\r\n"
    return body + f"--{edge}--\r\n".encode(), f"multipart/form-data; boundary={edge}"


def post(house, path, token=None, **given):
    body, kind = fields(**given)
    return request(house.address, "POST", path, body,
                   {"Content-Type": kind, "Authorization": "Bearer " + (token or house.api.token)})


def create(house, rows, status=201, template=BALANCE, **more):
    reply = post(house, "/api/v1/sends", **{"template_id": template, "channel": "doppler",
                                            "recipients_file": rows.encode(), **more})
    assert reply.status == status, reply
    return reply.json


def shown(house, send):
    return house.api.get("sends/" + send["id"])


def until(house, send, *states):
    """The send as it is once it is in one of these states."""
    def look():
        now = shown(house, send)
        return now if now["status"] in states else None
    return wait_until(look, f"{states} of {send['id']}")


def imported(house, send):
    return wait_until(lambda: (lambda s: s if s["import"]["status"].startswith("ready") else None)(shown(house, send)),
                      "the import")


def got(standin):
    """address → how many mails were accepted for it."""
    return collections.Counter(row["to"] for row in standin.received() if row["outcome"] == "accepted")


def test_a_file_becomes_one_mail_for_each_valid_row_and_the_rows_say_so(relay):
    house, standin = relay
    send = create(house, people(20, "dia") + "nadie;X;1\n", send_now="1")
    assert send["ok"] is True and send["duplicate"] is False
    done = until(house, send, "done")
    assert got(standin) == {f"dia{i}@example.com": 1 for i in range(20)}
    assert done["counts"]["sent"] == 20 and done["counts"]["invalid"] == 1 and done["import"]["invalid_rows"] == 1
    assert done["sent_started_at"] <= done["sent_finished_at"] and done["from_email"] == "avisos@tienda.example"
    rows = house.api.get(f"sends/{send['id']}/recipients?limit=200")["results"]
    assert [row["send_status"] for row in rows] == ["sent"] * 20 + ["not_started"]
    assert rows[20]["error_code"] == "recipient_invalid" and rows[0]["message_id"]
    paged = house.api.get(f"sends/{send['id']}/recipients?state=sent&after=18&limit=2")
    assert [row["row"] for row in paged["results"]] == [19, 20] and paged["next_after"] == 20
    sheet = request(house.address, "GET", f"/sends/{send['id']}/recipients.csv",
                    headers={"Authorization": "Bearer " + house.api.token})
    assert sheet.status == 200 and sheet.text.splitlines()[0].startswith("row,email,name,status,send_status")
    assert len(sheet.text.splitlines()) == 22
    listed = house.api.get("sends?page_size=1")
    assert listed["ok"] and listed["period"] == "current_month" and listed["num_pages"] == listed["count"]
    assert listed["results"][0]["id"] == send["id"] and listed["capabilities"]["can_operate"] is True
    assert house.api.call("GET", "sends?page_size=201").status == 400


def test_two_jobs_a_button_a_command_and_the_scheduler_send_each_mail_once(relay):
    house, standin = relay
    send = imported(house, create(house, people(400, "una")))
    with sqlite3.connect(house.state / "recado.db", timeout=30) as line:  # a second job, as no button could make it
        line.execute("INSERT INTO job (kind, slot, args_json, queue, state, run_at, created_at) VALUES"
                     " ('sends.send', ?, json_object('bulk_id', ?), 'sends', 'queued', 0, 0)",
                     (f"sends.next:{send['number']}", send["number"]))
    line.close()
    tries = [lambda: house.api.call("POST", f"sends/{send['id']}/process", {}).status,
             lambda: house.call("sends", "process", send["id"]).returncode,
             lambda: house.call("sends", "process").returncode] * 2
    threads = [threading.Thread(target=one) for one in tries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert until(house, send, "done")["counts"]["sent"] == 400
    assert got(standin) == {f"una{i}@example.com": 1 for i in range(400)}
    again = house.api.call("POST", f"sends/{send['id']}/process", {})
    assert again.status == 409 and again.json["error"]["code"] == "wrong_state"


def test_the_same_request_twenty_times_at_once_is_one_send(relay):
    house, standin = relay
    name, replies = secrets.token_hex(8), []
    threads = [threading.Thread(target=lambda: replies.append(post(
        house, "/api/v1/sends", template_id=BALANCE, channel="doppler", client_request_id=name, send_now="1",
        recipients_file=people(3, "misma").encode()))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(reply.status for reply in replies) == [200] * 19 + [201]
    ids = {reply.json["id"] for reply in replies}
    assert len(ids) == 1
    until(house, {"id": ids.pop()}, "done")
    assert got(standin) == {f"misma{i}@example.com": 1 for i in range(3)}
    assert house.sql("SELECT count(*) FROM bulk_send WHERE client_request_id = ?", name) == [(1,)]


def test_a_missing_variable_and_an_unreadable_template_send_nothing_and_say_what_is_missing(relay):
    house, standin = relay
    lower = create(house, people(3, "falta", "email;nombre;valor"), send_now="1")
    refused = until(house, lower, "error")
    assert refused["status_why"] == "template_variables_missing" and "Valor" in refused["status_words"]
    assert refused["missing_variables"] == ["Valor"]
    standin.post("/_standin/doppler", faults=[{"answer": "code403", "call": "templates"}])
    dark = until(house, create(house, people(3, "oscura"), send_now="1"), "error")
    assert dark["status_why"] == "template_discovery_failed"
    assert got(standin) == {}
    standin.post("/_standin/reset")
    allowed = create(house, "email;nombre;Valor\na@example.com;Ana;\nb@example.com;Bea;2\n", send_now="1",
                     may_be_empty='["Valor"]')
    assert until(house, allowed, "done")["counts"]["sent"] == 2
    assert got(standin) == {"a@example.com": 1, "b@example.com": 1}


def ask_again(house, **place):
    """The hour of its next try has come; place: what its work remembers of the wait."""
    line = sqlite3.connect(house.state / "recado.db", timeout=30)
    with line:
        line.execute("UPDATE bulk_send SET paused_until_at = 1 WHERE status_why = 'gateway'")
        if place:
            line.execute("UPDATE job SET place_json = ? WHERE kind = 'sends.send' AND state = 'queued'", (json.dumps(place),))
    line.close()
    house.run("sends", "process")


def test_a_gateway_that_is_away_is_waited_for_and_nobody_starts_the_send_again(relay):
    house, standin = relay
    standin.post("/_standin/doppler", faults=[{"answer": "code503", "call": "templates"}])
    send, called_off, held = (create(house, people(3, tag), send_now="1") for tag in ("espera", "cancela", "pausa"))
    for one in (send, called_off, held):
        waits = until(house, one, "paused")
        assert waits["status_why"] == "gateway" and waits["paused_until_at"], waits
        assert "503" in waits["status_words"] and "Continúa solo" in waits["status_words"], waits
    assert "has trouble on its side (503)" in text_of(house.panel("eva", lang="en").page(f"/sends/{send['id']}"))
    assert house.api.post(f"sends/{called_off['id']}/cancel")["status"] == "cancelled"
    house.api.post(f"sends/{held['id']}/pause")
    ask_again(house)  # it is still away: the second wait is longer, and its begin stays
    wait_until(lambda: (shown(house, send)["paused_until_at"] or "") > waits["paused_until_at"], "the next wait")
    assert got(standin) == {}
    standin.post("/_standin/reset")
    ask_again(house)
    until(house, send, "done")
    assert got(standin) == {f"espera{i}@example.com": 1 for i in range(3)}
    assert shown(house, held)["status_why"] == "person"
    house.api.post(f"sends/{held['id']}/resume")
    until(house, held, "done")


def test_a_gateway_that_is_away_for_too_long_makes_the_send_a_persons(relay):
    house, standin = relay
    standin.post("/_standin/doppler", faults=[{"answer": "code503", "call": "templates"}])
    send = create(house, people(2, "tarde"), send_now="1")
    until(house, send, "paused")
    wait_until(lambda: house.sql("SELECT 1 FROM job WHERE kind = 'sends.send' AND state = 'queued'"), "its place")
    ask_again(house, gateway_since=1, gateway_tries=9)
    late = wait_until(lambda: (lambda s: s if s["status_why"] == "gateway_late" else None)(shown(house, send)), "the end")
    assert late["status"] == "paused" and late["paused_until_at"] is None
    assert house.sql("SELECT count(*) FROM alert WHERE key = ? AND resolved_at IS NULL", f"sends.stuck:{late['number']}") == [(1,)]
    standin.post("/_standin/reset")
    house.api.post(f"sends/{send['id']}/resume")
    until(house, send, "done")
    assert got(standin) == {"tarde0@example.com": 1, "tarde1@example.com": 1}


def test_a_template_that_is_deleted_meanwhile_pauses_the_send_and_no_row_fails_for_it(relay):
    house, standin = relay
    send = imported(house, create(house, people(60, "borrada")))
    standin.post("/_standin/doppler", faults=[{"answer": "code404", "call": "send", "from_send": 20}])
    house.api.post(f"sends/{send['id']}/process")
    paused = until(house, send, "paused")
    assert paused["status_why"] == "batch" and "no conoce la plantilla" in paused["status_words"]
    wait_until(lambda: shown(house, send)["counts"]["sending"] == 0, "what was under way")
    assert shown(house, send)["counts"]["failed"] == 0 and sum(got(standin).values()) < 60
    standin.post("/_standin/doppler", faults=[])
    house.api.post(f"sends/{send['id']}/resume")
    assert until(house, send, "done")["counts"]["sent"] == 60
    assert got(standin) == {f"borrada{i}@example.com": 1 for i in range(60)}


def test_one_mail_that_the_provider_does_not_know_fails_alone(relay):
    house, standin = relay
    send = create(house, "email;nombre;Valor\ncode404@example.com;Ana;1\nb@example.com;Bea;2\n", send_now="1")
    done = until(house, send, "done")
    assert (done["counts"]["sent"], done["counts"]["failed"]) == (1, 1) and got(standin) == {"b@example.com": 1}


def test_a_mapping_and_names_with_points_reach_the_provider_as_it_wants_them(relay):
    house, standin = relay
    send = create(house, "email;Cliente;SALDO;extra\nana@example.com;Ana;7;x\n", send_now="1",
                  variables=json.dumps({"nombre": "cliente", "Valor": "saldo", "cliente.nombre": "CLIENTE"}))
    until(house, send, "done")
    (row,) = [row for row in standin.received() if row["to"] == "ana@example.com"]
    assert json.loads(row["body"])["model"] == {"nombre": "Ana", "Valor": "7", "cliente": {"nombre": "Ana"}}
    both = create(house, "email;nombre;nombre.corto;Valor\nana@example.com;Ana;A;7\n", send_now="1")
    refused = wait_until(lambda: (s := shown(house, both))["import"]["status"] == "error" and s, "the refusal")
    assert refused["import"]["error"] == "variable_name_conflict" and "a la vez un valor" in refused["import"]["error_words"]
    direct = request(house.address, "POST", "/relay/send/", json.dumps({"template_id": BALANCE, "to": [
        {"email": "eva@example.com", "variables": {"nombre": "Eva", "Valor": 3, "cliente": {"nombre": "Eva", "pais": "EC"}}}]}),
                     {"Content-Type": "application/json", "Authorization": "Bearer " + house.api.token})
    assert direct.status == 202, direct
    wait_until(lambda: got(standin)["eva@example.com"], "the direct send")
    (row,) = [row for row in standin.received() if row["to"] == "eva@example.com"]
    assert json.loads(row["body"])["model"] == {"nombre": "Eva", "Valor": "3", "cliente": {"nombre": "Eva", "pais": "EC"}}


def test_a_template_that_asks_for_more_since_the_import_sends_nothing(relay):
    house, standin = relay
    template = house.api.post("templates", name="Crece", subject="Hola", html="<p>{{nombre}}</p>", text="")["id"]
    send = imported(house, create(house, "email;nombre;nota\na@example.com;Ana;\nb@example.com;Bea;x\n", template=template,
                                  channel="sendgrid"))
    house.api.post(f"templates/{template}", name="Crece", subject="Hola", html="<p>{{nombre}} {{nota}} {{falta}}</p>")
    house.api.post(f"sends/{send['id']}/process")
    refused = until(house, send, "error")
    assert refused["status_why"] == "template_variables_missing" and refused["missing_variables"] == ["nota", "falta"]
    assert house.sql("SELECT count(*) FROM message m JOIN bulk_send b ON b.batch_id = m.batch_id WHERE b.id = ?",
                     send["number"]) == [(0,)]


def test_what_is_wrong_with_a_new_send_is_told_at_its_field_and_nothing_is_made(relay):
    house, _ = relay
    before = house.sql("SELECT count(*) FROM bulk_send")
    past = (datetime.datetime.now() - datetime.timedelta(minutes=5)).astimezone().isoformat()
    for field, given in {"template_id": {"template": "no such/id"}, "subject": {"subject": "x" * 256},
                         "variables": {"variables": "[1]"}, "scheduled_at": {"scheduled_at": past},
                         "client_request_id": {"client_request_id": "x" * 65}, "dedupe": {"dedupe": "maybe"}}.items():
        refused = create(house, people(1, "mal"), status=400, **given)
        assert field in refused["error"]["fields"], (field, refused)
    nothing = post(house, "/api/v1/sends", template_id=BALANCE, channel="doppler")
    assert nothing.status == 400 and "recipients_file" in nothing.json["error"]["fields"]
    assert house.sql("SELECT count(*) FROM bulk_send") == before


def test_a_timed_send_leaves_at_its_hour_one_too_late_waits_for_a_person(relay):
    house, standin = relay
    soon = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    send = imported(house, create(house, people(2, "hora"), scheduled_at=soon, send_now="1"))
    late = imported(house, create(house, people(2, "tarde"), scheduled_at=soon))
    assert send["shown_code"] == "scheduled" and send["status"] == "pending"
    house.run("sends", "process")
    assert shown(house, send)["status"] == "pending"
    with sqlite3.connect(house.state / "recado.db", timeout=30) as line:  # its hour comes
        line.execute("UPDATE bulk_send SET scheduled_at = created_at WHERE id = ?", (send["number"],))
        line.execute("UPDATE bulk_send SET scheduled_at = created_at - 721 * 60000 WHERE id = ?", (late["number"],))
    line.close()
    house.run("sends", "process")
    until(house, send, "done")
    assert got(standin) == {"hora0@example.com": 1, "hora1@example.com": 1}
    assert shown(house, late)["status_why"] == "late"
    house.run("sends", "process", late["id"])
    until(house, late, "done")
    assert got(standin)["tarde1@example.com"] == 1


def test_a_cancelled_send_stops_where_it_is_and_nobody_else_gets_anything(relay):
    house, standin = relay
    house.set("sends.pace_ms", "50")            # some minutes' work, if nobody stops it
    try:
        send = create(house, people(3000, "fin"), send_now="1")
        wait_until(lambda: standin.counts()["accepted"] >= 20, "the first mails")
        house.api.post(f"sends/{send['id']}/cancel")
    finally:
        house.set("sends.pace_ms", "0")
    ended = wait_until(lambda: (lambda s: s if s["counts"]["sending"] == 0 else None)(shown(house, send)), "the end")
    assert ended["status"] == "cancelled"
    sent = got(standin)
    assert sum(sent.values()) == ended["counts"]["sent"] < 3000 and set(sent.values()) == {1}
    assert ended["counts"]["queued"] == 0 and ended["counts"]["cancelled"] + ended["counts"]["not_fed"] > 0
    assert house.api.call("POST", f"sends/{send['id']}/resume", {}).status == 409
    assert standin.counts()["accepted"] == sum(sent.values())


def test_a_quota_that_is_used_up_pauses_the_send_which_goes_on_and_loses_nobody(relay):
    house, standin = relay
    standin.post("/_standin/doppler", limits={"daily": 30})
    send = create(house, people(80, "cuota"), send_now="1")
    paused = until(house, send, "paused")
    assert paused["status_why"] == "channel" and paused["paused_until_at"] and paused["status_words"]
    assert sum(got(standin).values()) == 30
    standin.post("/_standin/doppler", limits=None)
    house.run("outbox", "resume", "doppler")
    house.run("sends", "process")
    assert until(house, send, "done")["counts"]["sent"] == 80
    assert got(standin) == {f"cuota{i}@example.com": 1 for i in range(80)}


def test_a_restart_in_the_middle_goes_on_and_repeats_nothing(relay):
    house, standin = relay
    house.set("sends.pace_ms", "20")
    send = create(house, people(1500, "otra"), send_now="1")
    wait_until(lambda: standin.counts()["accepted"] >= 20, "the first mails")
    house.stop()
    house.set("sends.pace_ms", "0")
    house.serve(secret=None)
    done = until(house, send, "done")
    sent = got(standin)
    assert set(sent.values()) == {1} and done["counts"]["sent"] + done["counts"]["unsure"] == 1500
    assert done["counts"]["unsure"] <= 4 and len(sent) >= done["counts"]["sent"]


def test_an_unsure_mail_is_decided_with_a_reason_and_sent_again_only_then(relay):
    house, standin = relay
    standin.post("/_standin/doppler", faults=[{"answer": "code500", "call": "send", "to": f"duda{i}@example.com", "times": 1}
                                              for i in (3, 4)])
    send = until(house, create(house, people(5, "duda"), send_now="1"), "done")
    assert send["counts"]["unsure"] == 2
    unsure = house.api.get(f"sends/{send['id']}/recipients?state=unsure")["results"]
    assert [row["row"] for row in unsure] == [4, 5]
    bare = house.api.call("POST", f"sends/{send['id']}/resolve", {"row": 4, "decision": "sent", "reason": " "})
    assert bare.status == 400 and "reason" in bare.json["error"]["fields"]
    house.run("sends", "resolve", send["id"], 4, "sent", "--reason", "está en la bandeja")
    house.api.post(f"sends/{send['id']}/resolve", row=5, decision="resend", reason="no está")
    assert house.api.call("POST", f"sends/{send['id']}/resolve",
                          {"row": 5, "decision": "sent", "reason": "otra vez"}).status == 409
    wait_until(lambda: shown(house, send)["result"]["sent"] == 5, "the resend")
    history = house.sql("SELECT after_json FROM audit WHERE table_name = 'bulk_send' AND action = 'resolve' ORDER BY id")
    assert [json.loads(row[0])["reason"] for row in history] == ["está en la bandeja", "no está"]
    assert got(standin) == {f"duda{i}@example.com": 1 for i in (0, 1, 2, 4)}


def test_the_direct_send_of_old_is_a_bulk_send_and_keeps_its_shape(relay):
    house, standin = relay
    token = {"Authorization": "Bearer " + house.api.token, "Content-Type": "application/json"}

    def relay_send(body, headers=token):
        return request(house.address, "POST", "/relay/send/", json.dumps(body), headers)

    stranger = relay_send({}, {"Content-Type": "application/json"})
    assert stranger.status == 401 and stranger.json["ok"] is False and stranger.json["error"]
    seer = relay_send({}, {**token, "Authorization": "Bearer " + house.token("seer", "sends.view")})
    assert seer.status == 403 and seer.json["ok"] is False
    for body in ({"template_id": BALANCE, "recipients": []}, {"template_id": BALANCE}, {"to": ["a@example.com"]}):
        refused = relay_send(body)
        assert refused.status == 400 and refused.json["ok"] is False, refused
    taken = relay_send({"template_id": BALANCE, "recipients": [
        {"email": "r1@example.com", "variables": {"nombre": "Ana", "Valor": "1"}},
        {"email": "r2@example.com", "substitution_data": {"nombre": "Bea", "Valor": 2}}]})
    assert taken.status == 202 and taken.json["ok"] is True
    assert until(house, taken.json, "done")["counts"]["sent"] == 2
    body, kind = fields(template_id=BALANCE, email_column="Destino",
                        csv_file=b"Destino;nombre;Valor\nr3@example.com;Eva;3\n")
    filed = request(house.address, "POST", "/relay/send/", body, {**token, "Content-Type": kind})
    assert filed.status == 202, filed
    until(house, filed.json, "done")
    assert got(standin) == {f"r{i}@example.com": 1 for i in (1, 2, 3)}


def test_the_old_commands_have_their_own_exits(relay):
    house, standin = relay
    send = imported(house, create(house, people(2, "viejo")))
    number = send["number"]
    house.run("bulk_v2_real_send", "--bulk-send-id", number, "--dry-run")
    assert got(standin) == {}
    house.set("sends.enabled", "no")
    try:
        house.run("bulk_v2_real_send", "--bulk-send-id", number, code=5)
    finally:
        house.set("sends.enabled", "yes")
    house.run("bulk_v2_real_send", "--bulk-send-id", 999999, code=2)
    house.run("bulk_v2_real_send", "--bulk-send-id", number)
    house.run("bulk_v2_real_send", "--bulk-send-id", number)
    assert got(standin) == {"viejo0@example.com": 1, "viejo1@example.com": 1}
    doubt = until(house, create(house, "email;nombre;Valor\ncode500@example.com;A;1\n", send_now="1"), "error")
    house.run("bulk_v2_real_send", "--bulk-send-id", doubt["number"], code=3)
    for name in ("process_bulk_scheduled", "process_background_jobs", "setup_operator_group", "backfill_template_names",
                 "process_reports_pending"):
        house.run(name)


def test_a_switch_lets_nothing_start_or_go_on(relay):
    house, standin = relay
    house.set("sends.enabled", "no")
    send = create(house, people(5, "apagada"), send_now="1")
    held = until(house, send, "paused")
    assert held["status_why"] == "switch" and got(standin) == {}
    check = {row["name"]: row for row in house.run("check", json_out=True, code=1)["checks"]} \
        if house.call("check", json_out=True).returncode == 1 else None
    house.set("sends.enabled", "yes")
    house.run("sends", "resume", send["id"])
    until(house, send, "done")
    assert sum(got(standin).values()) == 5 and (check is None or "sends.paused" in check)


def test_a_command_without_its_file_or_with_one_that_cannot_serve_says_so_and_fails(relay):
    house, _ = relay
    done = house.call("sends", "create", "--template", BALANCE)
    assert done.returncode == 2 and "sends create FILE" in done.stderr and BALANCE not in done.stderr, done
    bad = house.folder / "sin-correo.csv"
    bad.write_text("nombre;Valor\nAna;1\n", encoding="utf-8")
    done = house.call("sends", "create", bad, "--template", BALANCE, "--hold")
    assert done.returncode == 1 and done.stderr.count("columna") == 1, done


def test_programs_of_old_find_the_work_and_the_senders_of_sends_under_their_names(relay):
    house, standin = relay
    first, second = (until(house, create(house, people(2, tag), send_now="1"), "done") for tag in ("uno", "dos"))
    all_of = house.api.get("sends/jobs")
    assert all_of["ok"] and all_of["page"] == 1 and all_of["count"] >= 4 and len(all_of["results"]) <= 30
    mine = wait_until(lambda: (lambda found: found if found["results"] else None)(
        house.api.get(f"sends/jobs?bulk_id={second['id']}&job_type=send&state=done")), "its work to end")
    assert [(job["bulk_id"], job["job_type"], job["state"]) for job in mine["results"]] == [(second["id"], "sends.send", "done")]
    assert {"id", "message", "error", "attempts", "created_at", "started_at", "finished_at", "triggered_by"} <= set(mine["results"][0])
    assert mine["results"][0]["started_at"] == shown(house, second)["jobs"][0]["started_at"]
    assert house.api.call("GET", "sends/jobs?page_size=201").status == 400
    assert house.api.call("GET", "sends/jobs?bulk_id=nadie").status == 404
    who = house.api.get("sends/senders")
    assert who["default_sender"]["from_email"] == "avisos@tienda.example" and who["results"] == []
    assert len(house.api.get(f"sends/{first['id']}/recipients?page_size=1")["results"]) == 1
    assert house.call("sends", "rows", first["number"], "--max", "abc").returncode == 2
