"""Route table × people × methods × own and foreign rows: every cell as the table declares it.

The table is `recado routes --json`. The people are the three built-in roles, a role without any right, a token with
one right, a token with all of them, and nobody. A wrong cell is told with its row and its person.
"""
import hashlib
import json
import re
import urllib.parse

import pytest

from house import Api, Panel, Village, request, wait_until

MORNING = "2025-09-08T09:00:00-05:00"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "BREW")
NOBODYS = "a" * 26                      # an id that no row has
# Any logged-in person may knock here; the handler looks whose it is, or which list it belongs to.
DECIDED_INSIDE = ("/imports", "/bulk", "/me", "/help")
# Not knocked at by the all-powerful token: it would end what the test stands on, or wait for the world.
TOO_MUCH = {("POST", "/logout"), ("POST", "/start/backup-now")}
LISTS = ["clients", "subscriptions", "payments", "notices", "renewal-requests"]


@pytest.fixture(scope="module")
def town():
    made = Village()
    yield made
    made.close()


class Person:
    """Somebody at the door, by session or by token."""

    def __init__(self, name, house, rights, panel=None, token=None):
        self.name, self.house, self.rights, self.panel, self.token = name, house, rights, panel, token
        self.csrf = panel.csrf() if panel else None

    def may(self, right):
        return right == "" or "*" in self.rights or right in self.rights

    @property
    def is_known(self):
        return self.panel is not None or self.token is not None

    def send(self, method, path, with_csrf=True):
        headers, body = {}, None
        if method not in ("GET", "BREW"):
            headers["Content-Type"] = "application/json" if path.startswith("/api/") or self.token else \
                "application/x-www-form-urlencoded"
            body = "{}" if headers["Content-Type"] == "application/json" else ""
            if self.csrf and with_csrf:
                headers["X-CSRF-Token"] = self.csrf
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        if self.panel:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.panel.cookies.items())
        return request(self.house.address, method, path, body, headers)


class Street:
    """One house, its table and everybody who may come by."""

    def __init__(self, town):
        self.house, self.standin = town.pair({"renewals.notices": "yes"}, "--delivered-ms", "-1", "--read-ms", "-1")
        self.standin.set(sent_ms=-1)                # nothing comes in but what a customer wrote
        house = self.house.serve(now=MORNING)
        self.rows = house.run("routes", json_out=True)
        self.service = house.api.service("Netflix", 1299)
        self.owner = house.panel("ana", "owner")
        house.api.post("roles", title="Mudo")
        rights = self.rights_of_roles()
        self.people = [Person("the owner", house, rights["owner"], self.owner)]
        for role, name in (("seller", "beto"), ("reader", "rita"), ("mudo", "mudo")):
            self.people.append(Person(f"a {role}", house, rights.get(role, set()), house.panel(name, role)))
        one = house.token("uno", "clients.view")
        self.people.append(Person("a token with clients.view", house, {"clients.view"}, token=one))
        self.all_token = Person("a token with everything", house, {"*"}, token=house.token("todo"))
        self.nobody = Person("nobody", house, set())
        self.seller = self.people[1]
        self.other = house.panel("carla", "seller")

    def rights_of_roles(self):
        found = {role: set(rights.split()) for role, rights in self.house.sql("SELECT name, rights FROM role")}
        assert found["owner"] == {"*"} and len(found["seller"]) > 5 and found["mudo"] == set(), found
        return found

    def fitting(self, path, is_api):
        """The rows that a path may mean, nearest first: a literal at the first difference wins."""
        parts = path.strip("/").split("/")
        found = []
        for row in self.rows:
            mine = row["path"].strip("/").split("/")
            if len(mine) != len(parts) or not all(m.startswith(":") or m == p for m, p in zip(mine, parts)):
                continue
            if is_api and (row["realm"] != "staff" or row["no_api"]):
                continue
            found.append(row)
        return sorted(found, key=lambda row: [m.startswith(":") for m in row["path"].strip("/").split("/")])


@pytest.fixture(scope="module")
def street(town):
    return Street(town)


def concrete(path, row_id=NOBODYS):
    return re.sub(r":\w+", row_id, path)


class Cells:
    """Wrong cells, told together."""

    def __init__(self):
        self.wrong, self.count = [], 0

    def look(self, person, method, address, reply, wanted, is_right):
        self.count += 1
        if not is_right:
            self.wrong.append(f"{method} {address} by {person.name}: {reply.status}, wanted {wanted}: {reply.body[:120]!r}")

    def done(self, least):
        assert not self.wrong, f"{len(self.wrong)} of {self.count} cells:\n" + "\n".join(self.wrong[:40])
        assert self.count >= least, self.count


def judge(cells, person, method, address, row, reply):
    """One cell of a staff row that exists by this method."""
    is_api = address.startswith(("/api/v1", "/relay/"))     # the old addresses of programs answer as an API does
    if not person.is_known:
        if is_api or (method != "GET" and address != "/logout"):   # a form that came too late is told so on a page
            cells.look(person, method, address, reply, 401, reply.status == 401)
        else:
            cells.look(person, method, address, reply, "303 to the log-in",
                       reply.status == 303 and reply.headers["location"].startswith("/login"))
    elif not person.may(row["right"]):
        cells.look(person, method, address, reply, f"403 ({row['right']})", reply.status == 403)
    else:
        is_inside = row["right"] == "" and row["path"].startswith(DECIDED_INSIDE)
        wanted = f"in ({row['right'] or 'anybody'})"
        is_in = reply.status < 500 and reply.status not in (401, 405) and (reply.status != 403 or is_inside) and \
            not (reply.status == 303 and reply.headers["location"].startswith("/login"))
        cells.look(person, method, address, reply, wanted, is_in)
        if is_api:
            cells.look(person, method, address, reply, "JSON or a file",
                       reply.headers["content-type"].split(";")[0] in (
                           "application/json", "text/csv",
                           "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))


def test_every_get_lets_in_whom_the_table_lets_in(street):
    cells = Cells()
    for row in street.rows:
        if row["realm"] != "staff" or row["method"] != "GET":
            continue
        path = concrete(row["path"])
        for person in [*street.people, street.all_token, street.nobody]:
            judge(cells, person, "GET", path, row, person.send("GET", path))
            api = "/api/v1" + path
            found = street.fitting(path, True)
            reply = person.send("GET", api)
            if found and found[0]["method"] == "GET":
                judge(cells, person, "GET", api, found[0], reply)
            elif not any(f["method"] == "GET" for f in found):
                cells.look(person, "GET", api, reply, "404 or 405", reply.status == (405 if found else 404))
    cells.done(2000)


def test_every_write_lets_in_whom_the_table_lets_in(street):
    cells = Cells()
    for row in street.rows:
        if row["realm"] != "staff" or row["method"] == "GET" or (row["method"], row["path"]) in TOO_MUCH:
            continue
        path = concrete(row["path"])
        for person in [*street.people, street.nobody]:
            if person.is_known and person.may(row["right"]) and person.panel:
                continue                            # below: refused for want of the form's token
            judge(cells, person, row["method"], path, row, person.send(row["method"], path))
            if not row["no_api"]:
                api = "/api/v1" + path
                judge(cells, person, row["method"], api, row, person.send(row["method"], api))
    cells.done(1000)


def test_every_write_by_session_needs_the_forms_token_in_page_and_api(street):
    cells = Cells()
    for row in street.rows:
        if row["realm"] != "staff" or row["method"] == "GET":
            continue
        assert row["has_token"], row
        path = concrete(row["path"])
        for person in street.people:
            if not person.panel or not person.may(row["right"]):
                continue
            for address in [path] + ([] if row["no_api"] else ["/api/v1" + path]):
                reply = person.send(row["method"], address, with_csrf=False)
                cells.look(person, row["method"], address, reply, "403 without the token", reply.status == 403)
    cells.done(400)
    assert street.owner.page("/")                           # not even logged out


def test_a_method_that_an_address_has_not_is_405_with_those_it_has(street):
    cells = Cells()
    for path in sorted({concrete(row["path"]) for row in street.rows if row["realm"] in ("staff", "open")}):
        for address in (path, "/api/v1" + path):
            is_api = address != path
            found = street.fitting(path, is_api)
            has = {row["method"] for row in found}
            if not has or "*" in has:
                continue
            allow = has | ({"HEAD"} if "GET" in has else set())
            for method in METHODS:
                if method in has:
                    continue
                for person in (street.nobody, street.all_token):
                    reply = person.send(method, address)
                    said = set(reply.headers.get("allow", "").split(", "))
                    cells.look(person, method, address, reply, f"405, {sorted(allow)} (said {sorted(said)})",
                               reply.status == 405 and said == allow)
    cells.done(3000)


# --- own and foreign rows -----------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def rows(street):
    """{seller: {list: a row of hers}}; everybody's customers have what hangs on a customer."""
    found = {}
    for seller, name, phone in ((street.seller.panel, "Zoila", "+593981000001"), (street.other, "Yago", "+593981000002")):
        token = seller.csrf()

        def save(path, **values):
            reply = seller.send("POST", "/api/v1/" + path, body=json.dumps(values),
                                headers={"Content-Type": "application/json", "X-CSRF-Token": token})
            assert reply.status == 201, reply
            return reply.json["id"]
        client = save("clients", given_names=name, phone=phone)
        sub = save("subscriptions", client_id=client, service_id=street.service["id"], starts_on="2025-08-11",
                   ends_on="2025-09-11")
        found[name] = {"clients": client, "subscriptions": sub,
                       "payments": save("payments", subscription_id=sub, amount_cents=1299, method="cash")}
    street.house.run_today(now=MORNING)
    for phone in ("+593981000001", "+593981000002"):
        street.standin.say(phone, "RENOVAR por favor")
    wait_until(lambda: len(street.house.api.all("renewal-requests")) == 2, "the wishes to renew")
    for mine in found.values():
        for name in ("notices", "renewal-requests"):
            mine[name] = next(row["id"] for row in street.house.api.all(name) if row["client_id"] == mine["clients"])
    return found


def test_a_foreign_row_does_not_exist_whatever_is_asked_of_it_and_an_own_one_does(street, rows):
    """404 for the foreign one, in every cell where the right is there: a 403 would tell that it exists."""
    cells, seller = Cells(), street.seller
    before = {name: street.house.api.get(f"{name}/{rows['Yago'][name]}") for name in LISTS}
    for row in street.rows:
        name = row["path"].split("/")[1]
        if row["realm"] != "staff" or name not in LISTS or ":id" not in row["path"]:
            continue
        foreign = concrete(row["path"], rows["Yago"][name])
        wanted = 404 if seller.may(row["right"]) else 403
        for address in [foreign] + ([] if row["no_api"] else ["/api/v1" + foreign]):
            reply = seller.send(row["method"], address)
            cells.look(seller, row["method"], address, reply, f"{wanted} (foreign)", reply.status == wanted)
        if row["method"] == "GET" and seller.may(row["right"]):
            own = concrete(row["path"], rows["Zoila"][name])
            reply = seller.send("GET", own)
            cells.look(seller, "GET", own, reply, "in (own)", reply.status in (200, 303, 409, 422))
    cells.done(100)
    assert {name: street.house.api.get(f"{name}/{rows['Yago'][name]}") for name in LISTS} == before


def test_a_reader_and_a_token_without_the_right_to_all_see_accordingly(street, rows):
    reader = street.people[2]
    one = next(p for p in street.people if p.token)
    for name in LISTS:
        assert reader.send("GET", f"/api/v1/{name}/{rows['Yago'][name]}").status == 200, name
    assert one.send("GET", "/api/v1/clients/" + rows["Yago"]["clients"]).status == 404
    assert one.send("GET", "/api/v1/clients").json["data"] == []


# --- looking changes nothing --------------------------------------------------------------------------------

def picture(house):
    """What is in every table, but for the marks of who came by when."""
    passing = {"session", "idempotency", "login_throttle", "sqlite_sequence", "channel_account"}   # the engine's pace
    tables = {name for name, in house.sql("SELECT name FROM sqlite_master WHERE type = 'table'")} - passing
    out = {}
    for name in sorted(tables):
        columns = [c for _, c, *_ in house.sql(f'PRAGMA table_info("{name}")') if c not in ("last_used_at", "heartbeat_at")]
        rows = house.sql("SELECT " + ", ".join(f'"{c}"' for c in columns) + f' FROM "{name}"')
        out[name] = (len(rows), hashlib.sha256(repr(sorted(map(repr, rows))).encode()).hexdigest())
    return out


def test_looking_at_everything_changes_nothing(street, rows):
    ids = dict(rows["Zoila"])
    for name in ("users", "tokens", "roles", "services", "service-categories", "outbox", "batches", "jobs", "schedules", "audit"):
        found = street.house.api.get(name + "?limit=1")["data"]
        ids[name] = str(found[0]["id"]) if found else NOBODYS
    ids["inbox"] = street.house.api.get("inbox")["data"][0]["id"]
    owner = street.people[0]
    wait_until(lambda: not street.house.sql("SELECT 1 FROM job WHERE state IN ('queued', 'running') AND run_at < 1757344000000"
                                            " UNION ALL SELECT 1 FROM message WHERE state IN ('queued', 'sending')"
                                            " UNION ALL SELECT 1 FROM inbound WHERE state = 'new'"), "the work to rest")
    before = picture(street.house)
    count = 0
    for row in street.rows:
        if row["realm"] not in ("staff", "open") or row["method"] != "GET":
            continue
        path = concrete(row["path"], ids.get(row["path"].split("/")[1], "renewals.warning"))
        for address in (path, "/api/v1" + path, path + ".csv", path + "?lang=en", path + "?count=1&q=zoila"):
            reply = owner.send("GET", address)
            assert reply.status < 500, (address, reply)
            count += reply.status == 200
    after = picture(street.house)
    assert {name: (before[name], after[name]) for name in before if before[name] != after[name]} == {}
    assert count > 200


# --- what may be done, is done ------------------------------------------------------------------------------

def test_a_token_with_every_right_is_let_in_everywhere(street, rows):
    """Last: it really knocks, with empty bodies and rows that nobody has."""
    cells = Cells()
    for row in street.rows:
        if row["realm"] != "staff" or row["method"] == "GET" or (row["method"], row["path"]) in TOO_MUCH:
            continue
        path = concrete(row["path"])
        for address in [path] + ([] if row["no_api"] else ["/api/v1" + path]):
            judge(cells, street.all_token, row["method"], address, row, street.all_token.send(row["method"], address))
    cells.done(200)
    assert street.house.is_alive()
