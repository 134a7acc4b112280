"""The door in: who may, what is too large, what cannot be read — 4xx, one sentence, the process unharmed."""
import json
import re
import socket

import pytest

from house import PASSWORD, Api, Panel, request, text_of

A_TOKEN = "no-such-token"


@pytest.fixture(scope="module")
def office():
    """One served house with three people for all tests of this file: none of them changes it."""
    from house import Village
    village = Village()
    house = village.house()
    house.serve(now="2025-09-08T10:00:00-05:00")
    for name, role in (("dora", "owner"), ("saul", "seller"), ("sara", "seller"), ("lea", "reader")):
        house.add_user(name, role)
    house.netflix = house.api.service("Netflix", 1299)
    yield house
    village.close()


def raw(house, data):
    """Bytes to the socket; the status line of the answer, or b"" when the line was closed."""
    host, port = house.address.split("//")[1].split(":")
    with socket.create_connection((host, int(port)), timeout=30) as line:
        try:
            line.sendall(data)
            line.shutdown(socket.SHUT_WR)
        except OSError:
            pass                                        # refused before all of it was read
        answer = b""
        try:
            while piece := line.recv(65536):
                answer += piece
        except OSError:
            pass
    return answer


def status(answer):
    match = re.match(rb"HTTP/1\.1 (\d+)", answer)
    return int(match.group(1)) if match else None


def is_well(house):
    assert house.is_alive() and request(house.address, "GET", "/health/live").status == 200
    return True


# --- what cannot be read ---------------------------------------------------------------------------------------

def get(path, *headers):
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


BAD_ADDRESSES = ["/clients?q=%", "/clients?q=%4", "/clients?q=%zz", "/clients/%ff%fe", "/clients?q=%ff", "/%00",
                 "/clients?q=%00", "/clients/%c0%af", "/../etc/passwd", "/clients/%2e%2e/%2e%2e/etc/passwd"]


@pytest.mark.parametrize("path", BAD_ADDRESSES)
def test_an_address_that_cannot_be_read_is_a_4xx_with_a_sentence(office, path):
    answer = raw(office, get(path, "Accept: text/html"))
    assert status(answer) in (400, 401, 404, 303), answer[:200]
    if status(answer) != 303:
        body = answer.split(b"\r\n\r\n", 1)[1].decode("utf-8")
        assert len(text_of(body).strip()) > 10
    assert b"root:" not in answer and is_well(office)


def test_broken_encoding_is_refused_for_whoever_is_logged_in_too(office):
    api = office.api
    for path in ("clients?q=%", "clients?q=%ff", "clients?q=%00", "clients/%ff"):
        reply = api.call("GET", path)
        assert reply.status in (400, 404) and reply.json["error"]["message"], (path, reply)
    assert is_well(office)


def test_too_much_before_the_body(office):
    assert status(raw(office, get("/" + "a" * 5000))) in (414, 400, 431)
    assert status(raw(office, get("/", "X-Big: " + "a" * 17000))) in (431, 400)
    assert status(raw(office, get("/", *[f"X-{n}: {'b' * 100}" for n in range(300)]))) in (431, 400)
    assert status(raw(office, get("/", "Cookie: " + "c" * 20000))) in (431, 400)
    assert is_well(office)


def test_too_much_in_the_body(office):
    api = office.api
    reply = api.call("POST", "clients", {"given_names": "x" * 70000})
    assert reply.status == 413 and reply.json["error"]["message"]
    assert request(office.address, "POST", "/login", "name=" + "x" * 70000,
                   {"Content-Type": "application/x-www-form-urlencoded"}).status == 413
    claimed = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\nx"
    assert status(raw(office, claimed)) in (400, 413)
    assert is_well(office)


@pytest.mark.parametrize("data", [
    b"\r\n\r\n", b"nonsense\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    b"POST /login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n Folded: x\r\n\r\n", b"GET / HTTP/1.1\r\nBad Name: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX: \x00\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"])
def test_what_is_not_http_is_refused_or_dropped(office, data):
    answer = raw(office, data)
    assert status(answer) is None or 400 <= status(answer) < 510, answer[:100]
    assert is_well(office)


@pytest.mark.parametrize("body, kind", [
    (b"{", "application/json"), (b"[1,", "application/json"), (b'{"given_names":"\xff"}', "application/json"),
    (b'{"given_names":{"a":1}}', "application/json"), (b'"x"', "application/json"), (b"", "application/json"),
    (b'{"given_names":"Ana","given_names":"Bea"}', "application/json"),
    (b"given_names=%ff", "application/x-www-form-urlencoded"), (b"given_names=%zz", "application/x-www-form-urlencoded"),
    (b"--x\r\nbroken", "multipart/form-data; boundary=x"), (b"--x", "multipart/form-data"), (b"<a/>", "text/xml"),
    (b'{"a":' * 5000, "application/json")])
def test_a_body_that_cannot_be_read_is_a_4xx_with_a_sentence_and_changes_nothing(office, body, kind):
    before = office.api.get("clients?count=1")["count"]
    reply = request(office.address, "POST", "/api/v1/clients", body,
                    {"Authorization": "Bearer " + office.token_text, "Content-Type": kind})
    assert 400 <= reply.status < 500, reply
    assert reply.json["error"]["message"]
    assert office.api.get("clients?count=1")["count"] == before and is_well(office)


def test_a_host_that_is_not_ours_is_refused_with_the_name_of_the_setting(office):
    answer = raw(office, b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
    assert status(answer) == 400 and b"web.hosts" in answer


def test_wrong_fields_are_all_named_at_once(office):
    reply = office.api.call("POST", "clients", {"given_names": "", "phone": "12345", "email": "no"})
    assert reply.status == 400 and set(reply.json["error"]["fields"]) == {"given_names", "phone", "email"}
    reply = office.api.call("POST", "clients", {"given_name": "Ana"})
    assert reply.status == 400 and "given_names" in reply.text


# --- who may ---------------------------------------------------------------------------------------------------

def routes(house):
    rows = house.run("routes", json_out=True)
    assert len(rows) > 80
    return [(r["method"], r["path"], r["realm"]) for r in rows]


def filled(path):
    return re.sub(r":\w+", "x", path)


def test_every_address_asks_who_is_there(office):
    for method, path, realm in routes(office):
        if realm != "staff":
            continue
        page = request(office.address, method, filled(path), headers={"Accept": "text/html"})
        if method == "GET":
            assert page.status == 303 and page.headers["location"].startswith("/login"), (method, path, page)
        else:
            assert page.status in (401, 303), (method, path, page)
            assert page.status == 401 or page.headers["location"].startswith("/login"), (method, path, page)
        api = request(office.address, method, "/api/v1" + filled(path))
        assert api.status == 401 and api.json["error"]["message"], (method, path, api)
        token = request(office.address, method, "/api/v1" + filled(path), headers={"Authorization": "Bearer " + A_TOKEN})
        assert token.status == 401, (method, path, token)
    assert is_well(office)


def test_every_write_of_a_session_needs_the_forms_token(office):
    panel = Panel(office, "dora")
    seen = 0
    for method, path, realm in routes(office):
        if realm != "staff" or method in ("GET", "HEAD"):
            continue
        seen += 1
        for form in (None, {"csrf": ""}, {"csrf": "wrong"}):
            assert panel.send(method, filled(path), form).status == 403, (method, path, form)
        api = panel.send(method, "/api/v1" + filled(path), body="{}", headers={"Content-Type": "application/json"})
        assert api.status == 403, (method, path, api)
    assert seen > 30 and panel.page("/clients")          # still logged in: not even the log-out went through


def test_open_addresses_are_few_and_known(office):
    found = {path.rstrip("/") for _, path, realm in routes(office) if realm != "staff"}
    assert found == {"/login", "/setup", "/assets/:version/:name", "/favicon.ico", "/robots.txt", "/health/live", "/health",
                     "/admin", "/app", "/dashboard", "/webhook/wasender", "/webhook/whatsapp", "/registros/webhook/whatsapp",
                     "/subscriptions/webhook/whatsapp", "/cron/notifications", "/subscriptions/cron/notifications"}


def test_a_reader_reads_and_changes_nothing(office):
    lea, dora = Panel(office, "lea"), Panel(office, "dora")
    client = office.api.client("Del Dueño")
    assert "Dueño" in lea.page("/clients") and dora.page("/clients")
    token = lea.csrf()
    for method, path, realm in routes(office):
        if realm != "staff" or method in ("GET", "HEAD") or path in ("/logout", "/me"):
            continue
        target = path.replace(":id", client["id"]) if path.startswith("/clients/:id") else filled(path)
        reply = lea.send(method, target, {"csrf": token, "given_names": "Otra"})
        assert reply.status in (403, 404), (method, path, reply)
    assert office.api.get("clients/" + client["id"])["given_names"] == "Del Dueño"


def test_a_seller_sees_only_the_own_customers_everywhere(office):
    saul, sara = Panel(office, "saul"), Panel(office, "sara")
    made = saul.send("POST", "/api/v1/clients", body=json.dumps({"given_names": "Delia", "surnames": "De Saúl"}),
                     headers={"Content-Type": "application/json", "X-CSRF-Token": saul.csrf()})
    assert made.status == 201, made
    client = made.json
    sold = saul.send("POST", "/api/v1/subscriptions",
                     body=json.dumps({"client_id": client["id"], "service_id": office.netflix["id"]}),
                     headers={"Content-Type": "application/json", "X-CSRF-Token": saul.csrf()})
    assert sold.status == 201, sold
    assert "Delia" in saul.page("/clients") and "Delia" in saul.page("/subscriptions")
    for path in ("/clients", "/clients?q=delia", "/clients.csv", "/subscriptions", "/subscriptions.csv", "/notices", "/payments"):
        assert "Delia" not in sara.page(path), path
    assert sara.send("GET", "/api/v1/clients").json["data"] == []
    for path in (f"/clients/{client['id']}", f"/clients/{client['id']}/history", f"/subscriptions/{sold.json['id']}",
                 f"/subscriptions/{sold.json['id']}/renew", f"/api/v1/clients/{client['id']}"):
        assert sara.send("GET", path).status == 404, path
    token = sara.csrf()
    for path in (f"/clients/{client['id']}/edit", f"/clients/{client['id']}/archive", f"/subscriptions/{sold.json['id']}/renew",
                 f"/subscriptions/{sold.json['id']}/cancel", f"/subscriptions/{sold.json['id']}/remind"):
        reply = sara.send("POST", path, {"csrf": token, "confirmed": "1", "given_names": "Mía", "periods": "1"})
        assert reply.status in (403, 404), (path, reply)
    other = sara.send("POST", "/api/v1/subscriptions",
                      body=json.dumps({"client_id": client["id"], "service_id": office.netflix["id"]}),
                      headers={"Content-Type": "application/json", "X-CSRF-Token": token})
    assert other.status == 400, other                    # not even for somebody else's customer
    assert sara.send("GET", "/users").status == 403 and sara.send("GET", "/settings").status == 403


def test_a_wrong_password_and_a_wrong_name_look_alike(office):
    replies = [Panel(office).send("POST", "/login", {"name": n, "password": p})
               for n, p in (("dora", "wrong"), ("nobody", PASSWORD))]
    assert {r.status for r in replies} == {403}
    assert len({text_of(r.text).replace("nobody", "dora") for r in replies}) == 1
    assert not [c for r in replies for c in r.cookies if c.startswith("recado_session=") and "Max-Age=0" not in c]


def test_guessing_is_slowed_down(village):
    house = village.house()
    house.serve()
    house.add_user("ana")
    codes = [Panel(house).send("POST", "/login", {"name": "ana", "password": f"guess {n}"}).status for n in range(12)]
    assert 429 in codes
    last = Panel(house).send("POST", "/login", {"name": "ana", "password": "guess"})
    assert last.status == 429 and int(last.headers["retry-after"]) > 0


def test_the_first_user_comes_with_the_code_once(village):
    house = village.house()
    house.serve()
    code = house.made["setup_code"]
    form = {"name": "ana", "password": PASSWORD, "password_again": PASSWORD}
    assert Panel(house).send("POST", "/setup", {**form, "code": "wrong"}).status == 403
    panel = Panel(house)
    assert panel.send("POST", "/setup", {**form, "code": code}).status == 303
    assert "ana" in panel.page("/")
    assert Panel(house).send("POST", "/setup", {**form, "name": "eva", "code": code}).status == 409


def test_a_token_may_do_what_its_rights_say_and_no_more(office):
    api = Api(office, office.token("only looks", "clients.view"))
    assert api.call("GET", "clients").status == 200
    assert api.call("POST", "clients", {"given_names": "Ana"}).status == 403
    assert api.call("GET", "users").status == 403
    assert request(office.address, "GET", "/metrics", headers={"Authorization": "Bearer " + api.token}).status == 403
    assert office.call("token", "add", "x", "--rights", "clients.fly").returncode == 2


def test_logging_out_ends_the_session(office):
    panel = Panel(office, "dora")
    old = dict(panel.cookies)
    panel.send("POST", "/logout", {"csrf": panel.csrf()})
    panel.cookies = old
    assert panel.send("GET", "/clients").status == 303


def test_a_repeated_write_with_the_same_key_is_done_once(office):
    before = office.api.get("clients?count=1")["count"]
    replies = [office.api.call("POST", "clients", {"given_names": "Una Vez"}, {"Idempotency-Key": "k-1"}) for _ in range(3)]
    assert {r.status for r in replies} == {201} and len({r.json["id"] for r in replies}) == 1
    assert office.api.get("clients?count=1")["count"] == before + 1
    assert office.api.call("POST", "clients", {"given_names": "Otra"}, {"Idempotency-Key": "k-1"}).status in (409, 422)


def test_pages_forbid_what_they_do_not_need(office):
    reply = Panel(office, "dora").send("GET", "/clients")
    policy = reply.headers["content-security-policy"]
    assert "'unsafe-inline'" not in policy and "default-src" in policy
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_what_people_type_is_never_markup(office):
    office.api.client("<script>alert(1)</script>", surnames='"><b>x</b>', notes="{{csrf}} <img src=x onerror=alert(1)>")
    panel = Panel(office, "dora")
    row, = [c for c in office.api.all("clients") if c["given_names"].startswith("<script>")]
    for path in ("/clients", "/clients?q=%3Cscript%3E", "/clients/" + row["id"], f"/clients/{row['id']}/edit"):
        page = panel.page(path)
        assert "<script>alert" not in page and "<img src=x" not in page and "<b>x</b>" not in page, path


def test_a_list_as_csv_cannot_start_a_formula(office):
    office.api.client("=HYPERLINK(1)", surnames="@SUM(1)")
    csv = Panel(office, "dora").page("/clients.csv")
    assert not re.search(r'(^|[,;"])[=@]', csv, re.M), csv[:400]
