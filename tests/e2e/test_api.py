"""A program at the door: lists page by page, errors with their field, calls that may be repeated, and a pace."""
import concurrent.futures
import http.client
import json
import urllib.parse

import pytest

from house import PATIENCE, Api, Panel, Village, request, wait_until
from openapi import Document

MORNING = "2025-09-08T09:00:00-05:00"


@pytest.fixture(scope="module")
def town():
    made = Village()
    yield made
    made.close()


@pytest.fixture(scope="module")
def house(town):
    house = town.house().serve(now=MORNING)
    for n in range(7):
        house.api.client(f"Cliente {n}", f"+59399100000{n}")
    house.api.service()
    return house


def refused(reply, status, code, *fields):
    """A refusal has one shape; its fields are these."""
    assert reply.status == status, reply
    error = reply.json["error"]
    assert error["code"] == code and error["message"].rstrip().endswith((".", "?")), reply
    assert set(error) == {"code", "message", "fields"}
    for field in fields:
        assert error["fields"][field], reply
    return error


# --- lists --------------------------------------------------------------------------------------------------

def test_a_program_reads_a_list_page_by_page_there_and_back(house):
    whole = [row["id"] for row in house.api.get("clients?limit=200&sort=name")["data"]]
    assert len(whole) == 7
    seen, cursor, pages = [], None, []
    while True:
        page = house.api.get("clients?limit=3&sort=name" + (f"&cursor={cursor}" if cursor else ""))
        pages.append(page)
        seen += [row["id"] for row in page["data"]]
        cursor = page["next"]
        if not cursor:
            break
    assert seen == whole and [len(page["data"]) for page in pages] == [3, 3, 1]
    assert pages[0]["previous"] is None and pages[2]["next"] is None
    back = house.api.get("clients?limit=3&sort=name&cursor=" + pages[2]["previous"])
    assert [row["id"] for row in back["data"]] == whole[3:6]
    down = house.api.get("clients?limit=200&sort=name&dir=down")["data"]
    assert [row["id"] for row in down] == whole[::-1]
    assert house.api.get("clients?limit=1&count=1")["count"] == 7


BAD_QUERIES = {
    "a page that is too large": ("limit=201", "bad_input", "limit"),
    "a page of nothing": ("limit=0", "bad_input", "limit"),
    "a page below nothing": ("limit=-1", "bad_input", "limit"),
    "a page that is no number": ("limit=all", "bad_input", "limit"),
    "a page beyond every number": ("limit=" + "9" * 30, "bad_input", "limit"),
    "a place that nobody gave": ("cursor=abc", "bad_input", "cursor"),
    "an order that the list has not": ("sort=shoe_size", "bad_input", "sort"),
    "a direction that is none": ("dir=sideways", "bad_input", "dir"),
    "a filter's value that is no choice": ("state=asleep", "bad_input", "state"),
    "a filter's row that is not there": ("owner=" + "a" * 26, "bad_input", "owner"),
    "a search without an end": ("q=" + "a" * 101, "bad_input", "q"),
    "a parameter that nobody knows": ("lmit=3", "unknown_parameter", "lmit"),
}


@pytest.mark.parametrize("what", BAD_QUERIES)
def test_a_list_says_which_parameter_is_wrong(house, what):
    query, code, field = BAD_QUERIES[what]
    refused(house.api.call("GET", "clients?" + query), 400, code, field)


def test_a_misspelt_parameter_is_told_with_the_nearest_one(house):
    error = refused(house.api.call("GET", "clients?limt=3"), 400, "unknown_parameter", "limt")
    assert "limit" in error["fields"]["limt"]


def test_a_cursor_belongs_to_its_order(house):
    cursor = house.api.get("clients?limit=2&sort=name")["next"]
    refused(house.api.call("GET", f"clients?limit=2&sort=created_at&cursor={cursor}"), 400, "bad_input", "cursor")


# --- bodies -------------------------------------------------------------------------------------------------

BAD_BODIES = {
    "a field that nobody knows": ('{"given_names": "Ana", "shoe_size": 43}', 400, "unknown_field", ["shoe_size"]),
    "a number for a text": ('{"given_names": 5}', 400, "bad_input", ["given_names"]),
    "a list for a text": ('{"given_names": ["Ana"]}', 400, "bad_input", ["given_names"]),
    "an object for a text": ('{"given_names": {"a": 1}}', 400, "bad_input", ["given_names"]),
    "a text for a yes or no": ('{"given_names": "Ana", "is_active": "yes"}', 400, "bad_input", ["is_active"]),
    "what is needed is missing": ('{"notes": "x"}', 400, "bad_input", ["given_names"]),
    "nothing where something is needed": ('{"given_names": null}', 400, "bad_input", ["given_names"]),
    "only blanks where something is needed": ('{"given_names": "   "}', 400, "bad_input", ["given_names"]),
    "a text that is too long": (json.dumps({"given_names": "x" * 400}), 400, "bad_input", ["given_names"]),
    "a date that is none": ('{"given_names": "Ana", "born_on": "2025-02-30"}', 400, "bad_input", ["born_on"]),
    "an address that is none": ('{"given_names": "Ana", "email": "ana"}', 400, "bad_input", ["email"]),
    "a row that is not there": (json.dumps({"given_names": "Ana", "owner_id": "a" * 26}), 400, "bad_input", ["owner_id"]),
    "an id of one's own": ('{"given_names": "Ana", "id": "abc"}', 400, "bad_input", ["id"]),
    "what only the house sets": ('{"given_names": "Ana", "created_at": "2020-01-01T00:00:00Z"}', 400, "bad_input",
                                 ["created_at"]),
    "several at once": ('{"given_names": 5, "is_active": 7, "nope": 1}', 400, "unknown_field",
                        ["given_names", "is_active", "nope"]),
    "a key twice": ('{"given_names": "Ana", "given_names": "Eva"}', 400, "bad_json", []),
    "half a body": ('{"given_names": "Ana"', 400, "bad_json", []),
    "a zero byte in a text": ('{"given_names": "A\\u0000na"}', 400, "bad_json", []),
    "half a character": ('{"given_names": "A\\ud800na"}', 400, "bad_json", []),
    "a body that is a list": ('[{"given_names": "Ana"}]', 400, "bad_input", []),
    "a body that is a text": ('"Ana"', 400, "bad_input", []),
    "a hundred levels": ("[" * 100 + "]" * 100, 400, "bad_json", []),
    "more than 64 KiB": (json.dumps({"given_names": "Ana", "notes": "x" * 66000}), 413, "too_large", []),
}


@pytest.mark.parametrize("what", BAD_BODIES)
def test_a_body_that_is_wrong_is_refused_with_code_and_field_and_leaves_nothing(house, what):
    raw, status, code, fields = BAD_BODIES[what]
    before = house.sql("SELECT count(*) FROM client")
    reply = request(house.address, "POST", "/api/v1/clients", raw.encode(),
                    {"Authorization": "Bearer " + house.api.token, "Content-Type": "application/json"})
    refused(reply, status, code, *fields)
    assert house.sql("SELECT count(*) FROM client") == before


@pytest.mark.parametrize("media", ["text/plain", "text/xml", "application/json5", None])
def test_a_body_of_another_kind_is_415(house, media):
    line = http.client.HTTPConnection(urllib.parse.urlsplit(house.address).netloc, timeout=PATIENCE)
    line.putrequest("POST", "/api/v1/clients")
    line.putheader("Authorization", "Bearer " + house.api.token)
    line.putheader("Content-Length", "2")
    if media:
        line.putheader("Content-Type", media)
    line.endheaders(b"{}")
    reply = line.getresponse()
    assert reply.status == 415 and json.loads(reply.read())["error"]["code"] == "unsupported_media_type"
    line.close()


def test_an_answer_can_be_sent_back_whole_but_not_with_what_only_the_house_sets(house):
    made = house.api.client("Vuelta", "+593991000077", notes="antes")
    row = house.api.get("clients/" + made["id"])
    again = house.api.call("PUT", "clients/" + made["id"], {**row, "notes": "después"})
    assert again.status == 200 and again.json == {**row, "notes": "después"}
    for field, value in (("created_at", "2020-01-01T00:00:00Z"), ("id", "b" * 26), ("title", "Otro"),
                         ("total_paid_cents", 5), ("same_phone_count", 3), ("phone_kind", "landline")):
        refused(house.api.call("PATCH", "clients/" + made["id"], {field: value}), 400, "bad_input", field)
    assert house.api.get("clients/" + made["id"]) == again.json


def test_money_of_another_currency_is_not_taken_for_ours(house):
    reply = house.api.call("POST", "services", {"display_name": "Euro", "price_cents": 100, "currency": "EUR"})
    refused(reply, 400, "bad_input", "currency")
    assert house.api.post("services", display_name="Dólar", price_cents=100, currency="USD")["currency"] == "USD"


def test_an_archived_row_can_be_read_but_neither_changed_nor_referred_to(house):
    service = house.api.service("Se va", 500)
    client = house.api.client("Quien", "+593991000078")
    assert house.api.call("DELETE", "services/" + service["id"]).status == 200
    assert house.api.get("services/" + service["id"])["archived_at"]
    refused(house.api.call("PATCH", "services/" + service["id"], {"display_name": "X"}), 404, "not_found")
    refused(house.api.call("POST", "subscriptions", {"client_id": client["id"], "service_id": service["id"],
                                                     "ends_on": "2025-10-01"}), 400, "bad_input", "service_id")


def test_what_must_be_one_of_a_kind_names_its_field(house):
    house.api.post("service-categories", name="Cine")
    refused(house.api.call("POST", "service-categories", {"name": "Cine"}), 409, "conflict", "name")


def test_a_null_that_the_table_cannot_keep_is_refused_not_a_fault(house):
    service = house.api.service("Nulo", 500)
    for field in ("devices_max", "is_active", "period", "price_cents", "display_name"):
        refused(house.api.call("PATCH", "services/" + service["id"], {field: None}), 400, "bad_input", field)
    assert house.api.get("services/" + service["id"]) == service


def test_a_page_for_people_is_not_there_for_programs(house):
    row = house.api.get("clients?limit=1")["data"][0]["id"]
    for path in ("services/new", f"clients/{row}/edit", f"clients/{row}/archive", f"clients/{row}/opt-out", "api", "metrics"):
        refused(house.api.call("GET", path), 405 if path.endswith("opt-out") else 404,
                "method_not_allowed" if path.endswith("opt-out") else "not_found")


def test_a_wrong_method_names_the_right_ones(house):
    reply = house.api.call("DELETE", "clients")
    refused(reply, 405, "method_not_allowed")
    assert set(reply.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


def test_every_code_that_was_met_is_told_in_the_description(house):
    told = Document(house.api).codes
    met = {case[2] for case in BAD_BODIES.values()} | {case[1] for case in BAD_QUERIES.values()} | {
        "unsupported_media_type", "conflict", "not_found", "method_not_allowed", "key_reused", "still_running", "too_many"}
    assert met <= set(told)
    page = house.panel("olga").page("/api")
    assert all(f"<code>{code}</code>" in page for code in told)


# --- once ---------------------------------------------------------------------------------------------------

def with_key(api, key, method, path, values):
    return api.call(method, path, values, {"Idempotency-Key": key})


def test_the_same_call_with_the_same_key_happens_once_and_is_answered_alike(house):
    body = {"given_names": "Una vez", "phone": "+593991000050"}
    first = with_key(house.api, "once-1", "POST", "clients", body)
    again = with_key(house.api, "once-1", "POST", "clients", body)
    assert first.status == again.status == 201 and first.body == again.body
    assert first.headers["location"] == again.headers["location"] == "/api/v1/clients/" + first.json["id"]
    assert again.headers["idempotency-replayed"] == "true" and "idempotency-replayed" not in first.headers
    assert len(house.api.all("clients", q="vez")) == 1


def test_a_key_used_for_something_else_is_refused(house):
    with_key(house.api, "reused", "POST", "clients", {"given_names": "A"})
    for path, values in (("clients", {"given_names": "B"}), ("services", {"display_name": "B", "price_cents": 1})):
        refused(with_key(house.api, "reused", "POST", path, values), 409, "key_reused")


def test_a_refused_call_leaves_its_key_free(house):
    refused(with_key(house.api, "mended", "POST", "clients", {"given_names": ""}), 400, "bad_input", "given_names")
    assert with_key(house.api, "mended", "POST", "clients", {"given_names": "Ya"}).status == 201


@pytest.mark.parametrize("key, good", [("a", True), ("a" * 200, True), ("a" * 201, False), ("", False), ("con blanco", False),
                                       ("~!", True), ("\u00f1".encode().decode("latin-1"), False)])
def test_a_key_has_bounds(house, key, good):
    reply = with_key(house.api, key, "POST", "clients", {"given_names": f"Clave {len(key)}"})
    assert reply.status == (201 if good else 400), reply


def test_another_program_has_keys_of_its_own(house):
    other = Api(house, house.token("otro"))
    made = [with_key(api, "shared", "POST", "clients", {"given_names": "De dos"}) for api in (house.api, other)]
    assert [reply.status for reply in made] == [201, 201] and made[0].json["id"] != made[1].json["id"]


def test_actions_and_bulk_actions_are_done_once_too(house):
    client = house.api.client("Acción", "+593991000051")
    one = [with_key(house.api, "act", "POST", f"clients/{client['id']}/opt-out", {}) for _ in range(2)]
    assert [r.status for r in one] == [200, 200] and one[0].body == one[1].body
    assert one[1].headers["idempotency-replayed"] == "true"
    many = [with_key(house.api, "bulk", "POST", "clients/actions/opt-in", {"ids": [client["id"]]}) for _ in range(2)]
    assert [r.status for r in many] == [200, 200] and many[0].body == many[1].body
    assert many[1].headers["idempotency-replayed"] == "true"


def test_eight_identical_calls_at_the_same_moment_make_one_row(house):
    for turn in range(5):
        body = {"given_names": f"A la vez {turn}"}
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda _: with_key(house.api, f"race-{turn}", "POST", "clients", body), range(8)))
        done = [r for r in replies if r.status == 201]
        assert done and len({r.body for r in done}) == 1
        for r in replies:
            if r.status != 201:
                refused(r, 409, "still_running")
                assert int(r.headers["retry-after"]) >= 1
        assert len([row for row in house.api.all("clients", q="vez") if row["given_names"] == body["given_names"]]) == 1


# --- the pace -----------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def slow_house(town):
    house = town.house({"web.api_per_minute": "60", "web.api_burst": "5"}).serve()
    house.panel("ana")
    return house


def test_a_program_that_asks_too_fast_waits_and_the_panel_does_not_notice(slow_house):
    house, api = slow_house, Api(slow_house, slow_house.token("rapida"))
    replies = [api.call("GET", "services") for _ in range(12)]
    good = [r for r in replies if r.status == 200]
    assert len(good) in (5, 6) and {r.status for r in replies} == {200, 429}
    assert [int(r.headers["ratelimit-remaining"]) for r in good[:5]] == [4, 3, 2, 1, 0]
    assert all(r.headers["ratelimit-limit"] == "5" and int(r.headers["ratelimit-reset"]) >= 1 for r in good)
    last = replies[-1]
    refused(last, 429, "too_many")
    assert 1 <= int(last.headers["retry-after"]) <= 2
    ana = Panel(house, "ana")
    assert all(ana.send("GET", "/services").status == 200 for _ in range(20))
    assert all(request(house.address, "GET", path).status == 200 for path in ["/health/live"] * 20)
    assert all(request(house.address, "POST", "/webhook/wasender", b"{}").status != 429 for _ in range(20))
    assert Api(house, house.token("otra")).call("GET", "services").status == 200     # has a bucket of its own
    wait_until(lambda: api.call("GET", "services").status == 200, "the bucket to fill again", pause=0.2)


def test_guessing_tokens_runs_dry_too(slow_house):
    guess = [request(slow_house.address, "GET", "/api/v1/services", headers={"Authorization": f"Bearer rcd_{n:052}"}).status
             for n in range(12)]
    assert set(guess) == {401, 429} and guess[:5] == [401] * 5


def test_a_person_with_a_session_has_a_bucket_at_the_api_only(slow_house):
    slow_house.add_user("beto")
    beto = Panel(slow_house, "beto")
    statuses = [beto.send("GET", "/api/v1/services").status for _ in range(12)]
    assert set(statuses) == {200, 429}
    assert beto.page("/services")


def test_without_a_limit_nothing_is_counted(house):
    replies = [house.api.call("GET", "services?limit=1") for _ in range(50)]
    assert {r.status for r in replies} == {200} and "ratelimit-limit" not in replies[0].headers
