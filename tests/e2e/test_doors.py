"""The doors of the panel: what comes in broken, who may not come in, and what each person sees inside."""
import json
import re
import socket
import urllib.parse

import pytest

from house import PASSWORD, PATIENCE, SECRET, Panel, Village, request, text_of, wait_until

MORNING = "2025-09-08T09:00:00-05:00"
FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def town():
    made = Village()
    yield made
    made.close()


# --- what no browser sends ---------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def house(town):
    house = town.house().serve()
    house.panel()
    return house


def raw(house, data):
    """Send these bytes; everything that comes back until the line is closed."""
    host, _, port = house.address.removeprefix("http://").rpartition(":")
    out = b""
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as line:
        try:
            line.sendall(data)
        except OSError:
            pass                                    # refused before all was sent: the answer is what counts
        try:
            while piece := line.recv(65536):
                out += piece
        except ConnectionResetError:
            pass
    return out


def get(target, *headers, host="Host: localhost"):
    rows = [f"GET {target} HTTP/1.1", "Connection: close", *([host] if host else []), *headers]
    return "\r\n".join(rows) + "\r\n\r\n"


def post(body, *headers, target="/login"):
    rows = [f"POST {target} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    return "\r\n".join(rows) + "\r\n\r\n" + body


BROKEN = {
    "a percent sign without its digits": (get("/login?next=%zz"), 400, "dirección"),
    "a percent sign at the end": (get("/login%"), 400, "dirección"),
    "a zero byte in the address": (get("/login%00"), 400, "dirección"),
    "an address that is not UTF-8": (get("/login?next=%ff%fe"), 400, "dirección"),
    "an address with raw bytes": (get("/login?next=\xff"), 400, "dirección"),
    "a way out of the folder": (get("/assets/../../etc/passwd"), 400, "dirección"),
    "a hidden way out of the folder": (get("/assets/x/..%2f..%2fetc%2fpasswd"), 400, "dirección"),
    "an address of 4 KiB": (get("/login?next=" + "a" * 4096), 414, "demasiado larga"),
    "headers of 17 KiB": (get("/login", "X-A: " + "a" * 17000), 431, "cookies"),
    "headers of 200 KiB": (get("/login", "X-A: " + "a" * 200000), 431, "too|exceeds"),
    "three thousand headers": (get("/login", *[f"X-{n}: a" for n in range(3000)]), 431, "exceeds"),
    "a line that ends with LF alone": ("GET /login HTTP/1.1\nHost: localhost\n\n", 400, "bare LF"),
    "a header with a blank before its colon": (get("/login", "X A: b"), 400, "whitespace"),
    "a folded header": (get("/login", "X-A: b", " c"), 400, "folding"),
    "two lengths": (post("abcde", "Content-Length: 5", "Content-Length: 6"), 400, "Content-Length"),
    "a length that is no number": (post("", "Content-Length: abc"), 400, "Content-Length"),
    "a length below nothing": (post("", "Content-Length: -1"), 400, "Content-Length"),
    "both length and chunks": (post("0\r\n\r\n", "Content-Length: 5", "Transfer-Encoding: chunked"), 400,
                               "Content-Length"),
    "a chunk without a size": (post("zz\r\n", "Transfer-Encoding: chunked"), 400, "chunked"),
    "no host": (get("/login", host=None), 400, "Host"),
    "two hosts": (get("/login", "Host: other"), 400, "Host"),
    "a host that is not ours": (get("/login", host="Host: evil.example"), 400, r"evil\.example.*web\.hosts"),
    "a form of 64 KiB and more": (post("name=" + "a" * 65532, FORM, "Content-Length: 65537"), 413, "grande"),
    "a form in chunks, too large": (post(f"{65537:x}\r\n" + "a" * 65537 + "\r\n0\r\n\r\n", FORM,
                                         "Transfer-Encoding: chunked"), 413, "grande"),
    "a form with a broken percent": (post("name=%zz", FORM, "Content-Length: 8"), 400, "codificación"),
    "a form that is not UTF-8": (post("name=%ff", FORM, "Content-Length: 8"), 400, "codificación"),
    "half a JSON": (post('{"name":', "Content-Type: application/json", "Content-Length: 8"), 400, "JSON"),
    "a body of no known kind": (post("<a/>", "Content-Type: text/xml", "Content-Length: 4"), 415, "cuerpo"),
    "a multipart without a boundary": (post("<a/>", "Content-Type: multipart/form-data", "Content-Length: 4"), 400,
                                       "formulario"),
    "a method that nobody knows": (get("/login").replace("GET", "BREW", 1), 405, "BREW"),
    "a method that the page has not": (get("/login").replace("GET", "DELETE", 1), 405, "DELETE"),
    "no version": ("GET /login\r\n\r\n", 400, "incorrect"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_comes_in_broken_is_answered_with_one_sentence(house, what):
    data, status, said = BROKEN[what]
    answer = raw(house, data.encode("latin-1"))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode()), answer[:300]
    assert re.search(said, text_of(body.decode())), text_of(body.decode())
    assert house.is_alive() and Panel(house).page("/login")


def test_a_form_of_exactly_64_kib_is_read(house):
    body = "name=" + "a" * 65531
    answer = raw(house, post(body, FORM, f"Content-Length: {len(body)}").encode())
    assert len(body) == 65536 and answer.startswith(b"HTTP/1.1 400 "), answer[:200]
    assert "tu contraseña" in text_of(answer.decode())


def test_something_that_is_not_http_harms_nobody(house):
    host, _, port = house.address.removeprefix("http://").rpartition(":")
    for junk in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 8, b"", b"\r\n" * 500, b"GET "):
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as line:
            line.sendall(junk)
    assert house.is_alive() and Panel(house).page("/login")


def test_a_program_gets_its_refusal_as_json(house):
    for reply in (request(house.address, "GET", "/api/v1/clients?q=%ff"),
                  house.api.call("POST", "clients", headers={"Content-Type": "application/json"}),
                  house.api.call("GET", "nothing-here"), house.api.call("PUT", "clients")):
        assert 400 <= reply.status < 500
        error = reply.json["error"]
        assert error["code"] and error["message"].rstrip().endswith((".", "?"))


# --- every row of the route table --------------------------------------------------------------------------

def routes(house):
    return house.run("routes", json_out=True)


def filled(path):
    return re.sub(r":\w+", "1", path)


def test_every_address_of_the_panel_is_in_the_table(house):
    rows = routes(house)
    assert len(rows) > 150
    assert len({(row["method"], row["path"], row["api_only"]) for row in rows}) == len(rows)
    for path in ("/login", "/clients", "/clients/:id/edit", "/subscriptions/:id/renew", "/payments", "/notices",
                 "/jobs", "/outbox", "/metrics", "/health", "/webhook/wasender", "/cron/notifications/"):
        assert any(row["path"] == path for row in rows), path
    for href in re.findall(r'<a href="(/[^"?#]*)"', Panel(house, "ana").page("/").split("<main")[0]):
        assert any(re.fullmatch(re.sub(r":\w+", "[^/]+", row["path"]), href) for row in rows), href


def test_open_doors_are_few_and_known(house):
    opened = {(row["method"], row["path"]) for row in routes(house) if row["realm"] != "staff"}
    assert opened == {
        ("GET", "/login"), ("POST", "/login"), ("GET", "/login/code"), ("POST", "/login/code"), ("GET", "/reset"),
        ("POST", "/reset"), ("GET", "/setup"), ("POST", "/setup"), ("GET", "/assets/:version/:name"),
        ("GET", "/favicon.ico"), ("GET", "/robots.txt"), ("GET", "/health/live"), ("GET", "/health"),
        ("GET", "/health/scheduler"), ("GET", "/health/worker"), ("GET", "/health/celery"),
        ("GET", "/admin"), ("GET", "/app"),          # old addresses lead home
        ("*", "/webhook/wasender"), ("*", "/webhook/whatsapp"), ("*", "/registros/webhook/whatsapp"),
        ("*", "/subscriptions/webhook/whatsapp"), ("*", "/webhook/sendgrid"), ("*", "/webhook/doppler"),
        ("GET", "/u/:token"), ("POST", "/u/:token"),  # a person leaves the mailings
        ("*", "/cron/notifications/"),
        ("*", "/subscriptions/cron/notifications/")}


@pytest.mark.parametrize("who", ["nobody", "an old cookie", "a made-up token"])
def test_without_log_in_every_page_leads_to_it_and_every_call_is_refused(house, who):
    headers = {"nobody": {}, "an old cookie": {"Cookie": "recado_session=" + "a" * 52},
               "a made-up token": {"Authorization": "Bearer rcd_" + "a" * 52}}[who]
    count = 0
    for row in routes(house):
        if row["realm"] != "staff":
            continue
        path, method = filled(row["path"]), row["method"]
        for address in (path,) + (() if row["no_api"] else ("/api/v1" + path,)) + ((path + ".csv",) if method == "GET" else ()):
            reply = request(house.address, method, address, headers=headers)
            count += 1
            if reply.status == 303:
                assert address in (path, path + ".csv") and who != "a made-up token", (method, address)
                assert reply.headers["location"].startswith("/login"), (method, address)
            else:
                assert reply.status == 401, (method, address, reply)
            assert "Cine en Casa" not in reply.text
    assert count > 400


def test_providers_prove_themselves_at_their_own_doors(house):
    house.set("renewals.cron_token", "x" * 40)
    for path in ("/webhook/wasender/", "/webhook/whatsapp/", "/registros/webhook/whatsapp/"):
        for headers in ({}, {"X-Webhook-Signature": "wrong"}, {"X-Webhook-Signature": SECRET + "x"}):
            reply = request(house.address, "POST", path, '{"event":"messages.received","data":{}}',
                            {"Content-Type": "application/json", **headers})
            assert reply.status in (401, 403), (path, headers, reply)
    for path in ("/cron/notifications/", "/cron/notifications/?token=wrong"):
        assert request(house.address, "POST", path).status in (401, 403, 404)
        assert request(house.address, "GET", path).status in (401, 403, 404, 405)
    assert house.api.all("outbox") == []


def test_a_log_in_sent_by_another_site_is_refused(house):
    form = urllib.parse.urlencode({"name": "ana", "password": PASSWORD})
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for proof in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        reply = request(house.address, "POST", "/login", form, {**kind, **proof})
        assert reply.status == 403 and not reply.cookies
    assert request(house.address, "POST", "/login", form, {**kind, "Origin": house.address}).status == 303


# --- who sees what -----------------------------------------------------------------------------------------

class Office:
    """An owner, two sellers with a customer each, a reader, and the day's notices sent."""

    def __init__(self, town):
        self.house, self.standin = town.pair({"renewals.notices": "yes"}, "--delivered-ms", "-1")
        self.house.serve(now=MORNING)
        self.service = self.house.api.service("Netflix", 1299)
        self.owner = self.house.panel("ana", "owner")
        self.beto, self.carla = self.house.panel("beto", "seller"), self.house.panel("carla", "seller")
        self.reader = self.house.panel("rita", "reader")
        self.of_beto = self.rows_for(self.beto, "Zoila", "+593981000001")
        self.of_carla = self.rows_for(self.carla, "Yago", "+593981000002")
        self.house.run_today(now=MORNING)
        self.standin.say("+593981000002", "RENOVAR por favor")
        wait_until(lambda: self.house.api.all("renewal-requests"), "the wish to renew")
        for rows in (self.of_beto, self.of_carla):
            for name in ("notices", "renewal-requests"):
                for found in self.house.api.all(name):
                    if found["client_id"] == rows["clients"]["id"]:
                        rows[name] = found

    def rows_for(self, seller, name, phone):
        client = save(seller, "clients", given_names=name, phone=phone, notes="secreto de " + name)
        sub = save(seller, "subscriptions", client_id=client["id"], service_id=self.service["id"],
                   starts_on="2025-08-11", ends_on="2025-09-11")
        paid = save(seller, "payments", subscription_id=sub["id"], amount_cents=1299, method="cash")
        return {"clients": client, "subscriptions": sub, "payments": paid}


def write(person, how, path, **values):
    return person.send(how, "/api/v1/" + path, body=json.dumps(values),
                       headers={"Content-Type": "application/json", "X-CSRF-Token": person.csrf()})


def save(person, resource, **values):
    reply = write(person, "POST", resource, **values)
    assert reply.status == 201, reply
    return reply.json


@pytest.fixture(scope="module")
def office(town):
    return Office(town)


LISTS = ["clients", "subscriptions", "payments", "notices", "renewal-requests"]


@pytest.mark.parametrize("name", LISTS)
def test_a_seller_sees_the_own_customers_only_in_every_shape_of_a_list(office, name):
    mine = office.of_carla[name]
    theirs = office.of_beto.get(name)
    searches = [] if name == "renewal-requests" else [f"{name}?q=zoila"]       # a list without a search box
    for path in (name, f"{name}?count=1", f"{name}?limit=1", *searches):
        found = office.carla.send("GET", "/api/v1/" + path).json
        wanted = [] if "zoila" in path else [mine["id"]]
        assert [row["id"] for row in found["data"]] == wanted, path
        assert found.get("count", len(wanted)) == len(wanted) and not found["next"]
    assert "Zoila" not in office.carla.page("/" + name) and "Yago" in office.carla.page("/" + name)
    csv = office.carla.send("GET", f"/{name}.csv").text
    assert "Zoila" not in csv and "Yago" in csv and len(csv.strip().splitlines()) == 2
    assert "Zoila" in office.owner.page("/" + name) or theirs is None
    assert "Yago" in office.reader.page("/" + name)


def test_another_sellers_reminder_wish_and_file_are_out_of_reach(office):
    theirs, wish = office.of_carla["subscriptions"]["id"], office.of_carla["renewal-requests"]["id"]
    sent = len(office.house.messages())
    reply = office.beto.send("POST", f"/subscription/{theirs}/send-reminder", {"csrf": office.beto.csrf()})
    assert reply.status == 404, reply
    for action in ("renew", "done", "dismiss", "history"):
        assert office.beto.send("GET", f"/renewal-requests/{wish}/{action}").status == 404, action
    for action in ("done", "dismiss"):
        assert write(office.beto, "POST", f"renewal-requests/{wish}/{action}").status == 404
    assert office.house.api.get("renewal-requests/" + wish)["state"] == "open"
    assert len(office.house.messages()) == sent
    border = "recado-test-border"
    body = (f'--{border}\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n{office.carla.csrf()}\r\n--{border}\r\n'
            'Content-Disposition: form-data; name="file"; filename="c.csv"\r\nContent-Type: text/csv\r\n\r\n'
            f'nombres,telefono\nSecreta,0987000001\n\r\n--{border}--\r\n')
    reply = office.carla.send("POST", "/imports", body=body,
                              headers={"Content-Type": "multipart/form-data; boundary=" + border})
    assert reply.status == 303, reply
    place = reply.headers["location"]
    wait_until(lambda: "Secreta" in office.carla.page(place), "the preview")
    for path in (place, place + "/errors", place + "/progress"):
        assert office.beto.send("GET", path).status == 404, path
    for action in ("commit", "drop"):
        assert office.beto.send("POST", f"{place}/{action}", {"csrf": office.beto.csrf()}).status == 404
    assert place not in office.beto.page("/imports")
    assert office.carla.send("POST", place + "/drop", {"csrf": office.carla.csrf()}).status == 303


@pytest.mark.parametrize("name", LISTS)
def test_a_filter_with_another_sellers_customer_finds_nothing(office, name):
    page = office.owner.page("/" + name)
    for field in re.findall(r'<(?:select|input)[^>]* name="(\w+)"', page):
        if field in ("q", "csrf"):
            continue
        query = urllib.parse.urlencode({field: office.of_beto["clients"]["id"]})
        reply = office.carla.send("GET", f"/api/v1/{name}?{query}")
        assert reply.status in (200, 400, 404), reply
        assert "Zoila" not in reply.text and "981000001" not in reply.text
    for field in ("client", "client_id", "subscription", "owner", "owner_id"):
        for value in (office.of_beto["clients"]["id"], office.of_beto["subscriptions"]["id"],
                      office.of_beto["clients"]["owner_id"]):
            reply = office.carla.send("GET", f"/api/v1/{name}?{field}={value}")
            assert reply.status in (200, 400, 404), reply
            assert "Zoila" not in reply.text and "981000001" not in reply.text


def test_a_seller_can_neither_take_nor_give_away_nor_sell_to_anothers_customer(office):
    theirs, mine = office.of_beto, office.of_carla
    for reply in (
            write(office.carla, "POST", "subscriptions", client_id=theirs["clients"]["id"],
                  service_id=office.service["id"], starts_on="2025-09-08", ends_on="2025-10-08"),
            write(office.carla, "POST", "payments", subscription_id=theirs["subscriptions"]["id"], amount_cents=1,
                  method="cash"),
            write(office.carla, "PATCH", "clients/" + mine["clients"]["id"], owner_id=theirs["clients"]["owner_id"]),
            write(office.carla, "POST", "clients", given_names="Nueva", phone="+593981000009",
                  owner_id=theirs["clients"]["owner_id"])):
        assert reply.status in (400, 404) and reply.json["error"]["message"], reply
    assert len(office.house.api.all("clients")) == 2 and len(office.house.api.all("subscriptions")) == 2
    assert len(office.house.api.all("payments")) == 2


def test_a_bulk_action_reaches_the_own_rows_among_those_asked_for(office):
    theirs, mine = office.of_beto["clients"]["id"], office.of_carla["clients"]["id"]
    for action, wanted in (("opt-out", True), ("opt-in", False)):
        reply = office.carla.send("POST", f"/clients/actions/{action}",
                                  {"csrf": office.carla.csrf(), "ids": [theirs, mine], "confirmed": "1"})
        assert reply.status in (200, 303), reply
        assert office.house.api.get("clients/" + mine)["is_opted_out"] is wanted
        assert office.house.api.get("clients/" + theirs)["is_opted_out"] is False


def test_a_sellers_home_page_counts_the_own_day(office):
    assert "Zoila" not in office.carla.page("/")
    assert "Zoila" in office.owner.page("/") and "Yago" in office.owner.page("/")


def test_rooms_that_are_not_a_sellers_stay_shut(office):
    for path in ("/users", "/tokens", "/roles", "/settings", "/jobs", "/inbox", "/gateway", "/texts", "/metrics",
                 "/renewals/runs"):
        reply = office.carla.send("GET", path)
        assert reply.status == 403, path
        assert "No tienes permiso" in text_of(reply.text)
        assert f'href="{path}"' not in office.carla.page("/")
    assert office.carla.send("GET", "/api/v1/users").json["error"]["code"] == "denied"
    outbox = office.carla.send("GET", "/api/v1/outbox").json
    assert "981000001" not in json.dumps(outbox)


def test_a_reader_reads_everything_of_the_business_and_writes_nothing(office):
    token = office.reader.csrf()
    rows = {name: office.of_beto.get(name, office.of_carla.get(name))["id"] for name in LISTS}
    for name in LISTS:
        assert office.reader.send("GET", f"/api/v1/{name}/{rows[name]}").status == 200
    before = {name: office.house.api.all(name) for name in LISTS}
    count = 0
    for row in routes(office.house):
        if row["realm"] != "staff" or row["method"] == "GET" or row["right"] == "":
            continue
        if row["path"] == "/forecast/count":    # a way of looking that takes long: nothing of the business changes
            continue
        name = row["path"].split("/")[1]
        path = row["path"].replace(":id", rows.get(name, "1")).replace(":name", "renewals.warning")
        reply = office.reader.send(row["method"], path, {"csrf": token})
        assert reply.status == 403, (row, reply)
        if row["no_api"]:
            continue
        reply = office.reader.send(row["method"], "/api/v1" + path, body="{}",
                                   headers={"X-CSRF-Token": token, "Content-Type": "application/json"})
        assert reply.status == 403, (row, reply)
        count += 1
    assert count > 60
    for path in ("/clients/new", "/subscriptions/new", "/clients/import", "/settings", "/users/new", "/tokens/new"):
        assert office.reader.send("GET", path).status == 403
    assert {name: office.house.api.all(name) for name in LISTS} == before


def test_a_token_opens_what_it_was_made_for_and_nothing_else(office):
    from house import Api
    few = Api(office.house, office.house.token("caja", "services.view,clients.view,clients.all"))
    assert len(few.get("clients")["data"]) == 2 and few.get("services")["data"]
    for name in ("subscriptions", "payments", "notices", "outbox", "users", "jobs"):
        assert few.call("GET", name).status == 403
    assert few.call("POST", "services", {"display_name": "X", "price_cents": 1}).status == 403
    assert few.call("POST", "clients", {"given_names": "X"}).status == 403
    none_of_hers = Api(office.house, office.house.token("sola", "clients.view"))
    assert none_of_hers.get("clients")["data"] == []
    assert none_of_hers.call("GET", "clients/" + office.of_beto["clients"]["id"]).status == 404
    done = office.house.call("token", "add", "mal", "--rights", "client.view")
    assert done.returncode == 2 and "clients.view" in done.stderr


# --- coming in and leaving ---------------------------------------------------------------------------------

def test_a_session_ends_at_log_out_and_other_browsers_stay(office):
    here, there = Panel(office.house, "rita"), Panel(office.house, "rita")
    cookie = dict(here.cookies)
    assert here.send("POST", "/logout", {"csrf": here.csrf()}).headers["location"] == "/login"
    here.cookies = cookie
    assert here.send("GET", "/clients").headers["location"].startswith("/login")
    assert here.send("GET", "/api/v1/clients").status == 401
    assert there.page("/clients")


def test_a_new_password_ends_the_sessions_of_the_old_one(office):
    office.house.add_user("memo", "reader")
    memo = Panel(office.house, "memo")
    office.house.run("user", "reset", "memo", "--password-stdin", stdin="otra clave muy larga\n")
    assert memo.send("GET", "/clients").status == 303
    assert Panel(office.house).send("POST", "/login", {"name": "memo", "password": PASSWORD}).status == 403
    assert Panel(office.house, "memo", "otra clave muy larga").page("/clients")


def test_after_the_log_in_the_page_that_was_asked_for_opens(office):
    person = Panel(office.house)
    reply = person.send("GET", "/clients?q=yago")
    where = reply.headers["location"]
    assert where.startswith("/login?next=")
    hidden = re.search(r'name="next" value="([^"]+)"', person.page(where)).group(1)
    reply = person.send("POST", "/login", {"name": "rita", "password": PASSWORD, "next": hidden})
    assert reply.headers["location"] == "/clients?q=yago"
    reply = Panel(office.house).send("POST", "/login", {"name": "rita", "password": PASSWORD, "next": "//evil.example"})
    assert reply.headers["location"] == "/"


def test_guessing_is_slowed_down_but_never_locks_the_owner_out(village):
    house = village.house()
    house.add_user("ana")
    house.serve(now="2025-09-08T09:00:00-05:00")
    stranger = Panel(house)
    wrong = {"name": "ANA", "password": "adivina adivinanza"}
    statuses = [stranger.send("POST", "/login", wrong).status for _ in range(20)]
    assert statuses[:3] == [403] * 3 and set(statuses[5:]) == {429}
    reply = stranger.send("POST", "/login", {"name": "ana", "password": PASSWORD})
    wait = int(reply.headers["retry-after"])
    assert reply.status == 429 and 1 <= wait <= 300 and f"{wait} segundos" in text_of(reply.text)
    house.stop()
    house.serve(now="2025-09-08T09:05:01-05:00")    # the longest wait later
    assert Panel(house, "ana").page("/")
    assert Panel(house).send("POST", "/login", wrong).status == 403      # forgiven


def test_a_name_that_does_not_exist_is_answered_like_a_wrong_password(office):
    answers = [Panel(office.house).send("POST", "/login", {"name": name, "password": "no es esta"})
               for name in ("carla", "quien")]
    assert [reply.status for reply in answers] == [403, 403]
    assert text_of(answers[0].text) == text_of(answers[1].text)


def test_the_set_up_code_makes_the_first_user_and_works_once(village):
    house = village.house().serve()
    code = house.made["setup_code"]
    visitor = Panel(house)
    assert "todavía no hay" in text_of(visitor.page("/login")).lower()
    assert visitor.send("GET", "/setup?code=" + "a" * len(code)).status == 403
    form = {"code": code, "name": "Ana", "password": PASSWORD, "password_again": PASSWORD}
    assert visitor.send("POST", "/setup", {**form, "code": "a" * len(code)}).status == 403
    assert visitor.send("POST", "/setup", {**form, "password": "corta", "password_again": "corta"}).status == 400
    assert visitor.send("POST", "/setup", {**form, "password_again": "otra"}).status == 400
    assert code in visitor.page(f"/setup?code={code}")
    assert visitor.send("POST", "/setup", form).headers["location"] == "/start"   # the first steps
    assert "Ana" in visitor.page("/users")
    second = Panel(house)
    assert second.send("GET", f"/setup?code={code}").headers["location"] == "/login"
    assert second.send("POST", "/setup", {**form, "name": "Intruso"}).status == 409
    assert len(house.api.all("users")) == 1
    assert "todavía no hay" not in text_of(second.page("/login")).lower()
