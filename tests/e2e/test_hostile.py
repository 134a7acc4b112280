"""A hostile string in every text column: every page, export and message shows it as text and nothing else."""
import csv
import html.parser
import io
import json
import re
import unicodedata
import urllib.parse

import openpyxl
import pytest

from house import Panel, Village, wait_until
from openapi import Document

MORNING = "2025-09-08T09:00:00-05:00"
# Each is short enough for most columns; a shorter column gets what fits, from the front.
HOSTILE = {
    "a script": "<script>evil()</script>",
    "an attribute": "\" onmouseover=\"evil()\" x='",
    "a picture": "'><img src=x onerror=evil()>",
    "a link": "<a href=javascript:evil()>x</a>",
    "the end of a text area": "</textarea></pre><b id=evil>",
    "right to left": "\u202egnp.exe\u202c <b id=evil>",
    "a template": "{{name}}{{{evil}}}{{#x}}",
    "entities": "&lt;b id=evil&gt; &amp;amp; &#60;",
    "a formula": "=HYPERLINK(\"http://evil\")",
    "another formula": "@SUM(1)|cmd <b id=evil>",
    "SQL": "'; DROP TABLE client; --",
    "CSS": "</style><style id=evil>*{}",
    "many marks": "e\u0301\u0302\u0303<b id=evil>",
}


@pytest.fixture(scope="module")
def town():
    made = Village()
    yield made
    made.close()


class Reader(html.parser.HTMLParser):
    """What a browser would make of a page: its elements, and every text a person can read or edit."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.texts, self.wrong, self.raw = [], [], None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        if tag == "script" and not dict(attrs).get("src", "").startswith("/assets/"):
            self.wrong.append(f"<script {attrs}>")
        if tag == "style" or "style" in names or any(name.startswith("on") for name in names):
            self.wrong.append(f"<{tag} {attrs}>")
        for name, value in attrs:
            value = value or ""
            if name == "id" and value == "evil" or name == "src" and not value.startswith("/"):
                self.wrong.append(f"<{tag} {name}={value!r}>")
            if name in ("href", "action", "formaction") and re.match(r"\s*(javascript|data|vbscript):", value, re.I):
                self.wrong.append(f"<{tag} {name}={value!r}>")
            self.texts.append(value)

    def handle_data(self, data):
        self.texts.append(data)

    def has(self, text):
        return any(plain(text) in plain(one) for one in self.texts)


def plain(text):
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip()


def texts_in(value):
    """Every text of some JSON; texts that are JSON themselves are opened too."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from texts_in(one)
    elif isinstance(value, str):
        yield value
        if value.startswith("{"):
            try:
                yield from texts_in(json.loads(value))
            except ValueError:
                pass


def is_text(schema):
    kinds = schema.get("type")
    return "maxLength" in schema and "enum" not in schema and "x-ref" not in schema and "format" not in schema and \
        "anyOf" not in schema and "integer" not in (kinds if isinstance(kinds, list) else [kinds]) and \
        schema.get("title") not in ("Teléfono",)


class Theatre:
    """A house in which every text that may be written is hostile."""

    def __init__(self, town):
        self.house, self.standin = town.pair({"renewals.notices": "yes"}, "--delivered-ms", "-1")
        self.house.serve(now=MORNING)
        self.api, self.document = self.house.api, Document(self.house.api)
        self.owner = self.house.panel("ana")
        self.rows, self.count = [], 0                   # (resource, id, {column: what was written})
        for what, text in HOSTILE.items():
            self.count += 1
            self.write(text)

    def texts_of(self, resource, text, kind="new"):
        schema = self.document.root["components"]["schemas"][f"{resource}_{kind}"]
        out = {}
        for n, (name, one) in enumerate(schema["properties"].items()):
            if is_text(one):
                out[name] = plain((text + f" {self.count}")[:one["maxLength"]] if len(text) + 4 > one["maxLength"]
                                  else f"{text} {self.count}{n}")
        return out

    def make(self, resource, text, **more):
        texts = {k: v for k, v in self.texts_of(resource, text).items() if k not in more}
        reply = self.api.call("POST", resource, {**texts, **more})
        if reply.status != 201:                         # a column with rules of its own: leave it out
            fields = reply.json["error"]["fields"]
            assert reply.status == 400 and fields and set(fields) <= set(texts), (resource, text, reply)
            texts = {k: v for k, v in texts.items() if k not in fields}
            reply = self.api.call("POST", resource, {**texts, **more})
        assert reply.status == 201, (resource, text, reply)
        made = reply.json
        for name, value in texts.items():
            if name in made:
                assert made[name] == value, (resource, name)
        self.rows.append((resource, made["id"], {k: v for k, v in texts.items() if k in made}))
        return made

    def write(self, text):
        self.make("service-categories", text)
        service = self.make("services", text, price_cents=1299)
        client = self.make("clients", text, phone=f"+5939910{self.count:05}")
        sub = self.make("subscriptions", text, client_id=client["id"], service_id=service["id"],
                        starts_on="2025-08-11", ends_on="2025-09-11")
        self.make("payments", text, subscription_id=sub["id"], amount_cents=1299, method="cash")


@pytest.fixture(scope="module")
def theatre(town):
    return Theatre(town)


def harmless(address, reply):
    assert reply.status < 500, (address, reply.status)
    if not reply.headers.get("content-type", "").startswith("text/html"):
        return None
    seen = Reader(reply.text)
    assert not seen.wrong, (address, seen.wrong[:5])
    return seen


def test_every_text_column_was_written_to(theatre):
    """The description names them: who adds a column adds it here."""
    wrote = {(resource, name) for resource, _, texts in theatre.rows for name in texts}
    assert len(wrote) >= 15, wrote
    for resource in {resource for resource, _, _ in theatre.rows}:
        declared = set(theatre.texts_of(resource, "x"))
        missing = {name for name in declared if (resource, name) not in wrote}
        assert not missing - {"website"}, (resource, missing)


@pytest.mark.parametrize("what", HOSTILE)
def test_page_form_history_and_list_show_it_as_text(theatre, what):
    text = HOSTILE[what]
    ordinal = list(HOSTILE).index(what)
    owner = theatre.owner
    mine = theatre.rows[ordinal * 5:ordinal * 5 + 5]
    assert len(mine) == 5
    for resource, row_id, texts in mine:
        seen = {}
        for page in ("", "/edit", "/history", "/archive"):
            address = f"/{resource}/{row_id}{page}"
            seen[page] = harmless(address, owner.send("GET", address))
        if seen["/edit"]:
            for name, value in texts.items():
                if not any(part in f"/{resource}" for part in ("/payments",)) or seen["/edit"].has(value):
                    assert seen["/edit"].has(value), (resource, name, value)
        assert any(seen[""].has(value) or seen["/history"].has(value) for value in texts.values()), (resource, texts)
        columns = ",".join(theatre.document.root["components"]["schemas"][f"{resource}_part"]["properties"])
        address = f"/{resource}?" + urllib.parse.urlencode({"q": text[:40]})
        harmless(address, owner.send("GET", address))
        harmless(address, owner.send("GET", f"/{resource}?columns={columns}"))


def test_every_page_of_the_house_is_harmless_in_both_languages(theatre):
    """After a day of notices, an answer from outside, and refused forms that come back with what was typed."""
    house, owner = theatre.house, theatre.owner
    house.run_today(now=MORNING, code=0)
    for text in HOSTILE.values():
        theatre.standin.say("+593991000001", text)
    wait_until(lambda: len(house.sql("SELECT 1 FROM inbound_message")) >= len(HOSTILE), "what was said")
    ids = {resource: row_id for resource, row_id, _ in theatre.rows}
    ids["inbox"] = house.api.get("inbox")["data"][0]["id"]
    for name in ("outbox", "batches", "notices", "jobs", "users", "tokens", "roles", "schedules", "audit", "renewal-requests"):
        found = house.api.get(name + "?limit=1")["data"]
        ids[name] = str(found[0]["id"]) if found else "a" * 26
    count = 0
    for row in house.run("routes", json_out=True):
        if row["realm"] != "staff" or row["method"] != "GET":
            continue
        path = re.sub(r":\w+", ids.get(row["path"].split("/")[1], "renewals.warning"), row["path"])
        for lang in ("es", "en"):
            count += harmless(path, owner.send("GET", f"{path}?lang={lang}")) is not None
    assert count > 100
    inbox = Reader(owner.page("/inbox/" + ids["inbox"]))
    assert all(inbox.has(text) for text in HOSTILE.values())
    for text in HOSTILE.values():
        for path in ("/services/new", "/service-categories/new"):
            names = re.findall(r'<(?:input|textarea|select)[^>]* name="(\w+)"', owner.page(path))
            form = {name: text * 20 for name in names if name != "csrf"}
            harmless(path, owner.send("POST", path, {**form, "csrf": owner.csrf()}))
        for path in ("/login", "/clients", "/audit", "/help/" + urllib.parse.quote(text, safe="")):
            harmless(path, owner.send("GET", path + "?" + urllib.parse.urlencode({"q": text, "next": text, "state": text})))


def test_a_message_carries_it_as_it_was_typed(theatre):
    """Notices are plain text: nothing is escaped twice, nothing is cut, and no template runs inside a name."""
    wait_until(lambda: len(theatre.standin.accepted()) >= len(HOSTILE), "the notices")
    bodies = list(texts_in(theatre.standin.accepted()))
    names = [texts["given_names"] for resource, _, texts in theatre.rows if resource == "clients"]
    told = [name for name in names if any(plain(name) in plain(body) for body in bodies)]
    assert len(told) == len(names), set(names) - set(told)


@pytest.mark.parametrize("resource", ["clients", "services", "subscriptions", "payments", "service-categories"])
def test_exports_carry_it_as_text_and_no_cell_computes(theatre, resource):
    reply = theatre.owner.send("GET", f"/{resource}.csv")
    assert reply.status == 200 and "attachment" in reply.headers["content-disposition"]
    table = list(csv.reader(io.StringIO(reply.text.removeprefix("\ufeff"))))
    cells = {cell for line in table for cell in line}
    for cell in cells:
        assert not re.match(r"[=@\t\r]|[+-](?![\d ().-]*$)", cell), cell
    book = openpyxl.load_workbook(io.BytesIO(theatre.owner.send("GET", f"/{resource}.xlsx").body))
    found = [cell for line in book.active.iter_rows() for cell in line]
    assert not [cell.value for cell in found if cell.data_type == "f" or cell.hyperlink]
    values = {plain(str(cell.value)) for cell in found if cell.value is not None}
    shown = theatre.document.root["components"]["schemas"][f"{resource}_part"]["properties"]
    count = 0
    for name, row_id, texts in theatre.rows:
        if name != resource:
            continue
        for column, value in texts.items():
            assert column in shown
            if value in values or "'" + value in cells or value in cells:
                count += 1
                assert value in values, (column, value)
                assert value in {plain(c) for c in cells} or "'" + value in cells, (column, value)
    assert count >= len(HOSTILE), count


@pytest.mark.parametrize("resource", ["clients", "services", "subscriptions", "payments", "service-categories", "schedules"])
def test_too_much_and_what_cannot_be_written_is_refused_with_a_sentence(theatre, resource):
    schemas = theatre.document.root["components"]["schemas"]
    kind = "new" if f"{resource}_new" in schemas and resource not in ("payments",) else "change"
    row_id = theatre.api.get(resource + "?limit=1")["data"][0]["id"]
    count = 0
    for name, one in schemas[f"{resource}_{kind}"]["properties"].items():
        if not is_text(one):
            continue
        count += 1
        for value, code in (("x" * 64000, "bad_input"), ("x" * (one["maxLength"] + 1), "bad_input"), ("a\u0000b", "bad_json"),
                            ("a\u0001b", "bad_input"), ("x" * 70000, "too_large")):
            reply = theatre.api.call("PATCH", f"{resource}/{row_id}", {name: value})
            assert reply.status == (413 if code == "too_large" else 400), (resource, name, len(value), reply)
            error = reply.json["error"]
            assert error["code"] == code and error["message"].rstrip().endswith("."), reply
            assert code != "bad_input" or error["fields"][name].rstrip().endswith("."), reply
    assert count >= 1
    assert Panel(theatre.house, "ana").page("/" + resource)
