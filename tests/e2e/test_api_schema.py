"""The API against its own description: for every operation, what fits and what does not, and each answer judged.

The requests are made from openapi.json with a fixed seed: the same ones in every run. Nothing may end in a 5xx,
answer with a status or a shape that is not declared, or change what a refusal promised to leave alone.
"""
import json
import os
import pathlib
import random
import shutil
import subprocess
import urllib.parse

import pytest

from house import Api, Village
from openapi import Document, Findings, sample

SEED = 20261122
ROUNDS = 8                              # valid bodies for each operation
BIG = 64 * 1024
STRANGE_TEXTS = {
    "a zero byte": "a\u0000b", "half a character": "\ud800", "64 KiB": "x" * (BIG - 2000), "markup": "<script>alert(1)</script>",
    "right to left": "\u202eabc\u202c", "control characters": "a\u0001\u001bb", "nothing": "", "blanks": "   ",
    "an accent on nothing": "\u0301" * 50, "a template": "{{name}} {{{x}}} %s %n", "quotes": "'; DROP TABLE client; --\"",
    "lines": "a\nb\r\nc", "a private character": "\uffff\U0010ffff",
}
STRANGE_VALUES = [True, False, 0, -1, 1.5, 2 ** 63, -2 ** 63 - 1, 10 ** 30, None, [], {}, [[]], ["a", "b"], {"a": 1}]
STRANGE_BODIES = {
    "nothing": b"", "half a body": b'{"a":', "not JSON": b"hello", "a list": b"[]", "a text": b'"x"', "a number": b"7",
    "null": b"null", "true": b"true", "a key twice": b'{"title": "a", "title": "a"}', "100 levels": b"[" * 100 + b"]" * 100,
    "100,000 levels": b"[" * 30000 + b"]" * 30000, "a huge number": b'{"a": 1e400}', "not UTF-8": b'{"a": "\xff"}',
    "a comment": b"{/* */}", "a trailing comma": b'{"a": 1,}', "NaN": b'{"a": NaN}', "two bodies": b"{}{}",
    "a BOM": b"\xef\xbb\xbf{}", "a zero byte": b"{\x00}", "200 fields": json.dumps({f"f{i}": i for i in range(200)}).encode(),
}
MEDIA_TYPES = ["text/xml", "text/plain", "application/octet-stream", "application/json5", "multipart/form-data", "x", "",
               "application/x-www-form-urlencoded"]


@pytest.fixture(scope="module")
def town():
    made = Village()
    yield made
    made.close()


@pytest.fixture(scope="module")
def house(town):
    return town.house().serve(now="2025-09-08T09:00:00-05:00")


@pytest.fixture(scope="module")
def document(house):
    return Document(Api(house, house.token("schema")))


def some_rows(document, house):
    """Rows to speak of: {resource: [ids]}."""
    api = house.api                                         # another token: that of the document is not archived
    service = api.service()
    client = api.client("Ana", "+593991000001")
    sub = api.subscription(client, service, "2025-09-11")
    api.post("payments", subscription_id=sub["id"], amount_cents=1299, method="cash")
    house.run("renewals", "run", "--wait")
    house.token("spare", "clients.view")                    # the only one that may be archived
    return pool_of(document, api)


def pool_of(document, api):
    pool = {}
    for op in document.operations:
        if op.id.endswith("_list") and op.method == "GET":
            rows = api.get(op.resource + "?limit=20")["data"]
            pool[op.resource] = [row["id"] for row in rows
                                 if op.resource != "tokens" or row.get("name") == "spare"]
    return pool


def fitting(document, op, dice, pool, share=0.5):
    """A body that fits; but never one that archives the token we speak with."""
    body = sample(document, op.body, dice, pool, share) if op.body is not None else None
    if op.resource == "tokens" and isinstance(body, dict):
        body.pop("all", None)
    return body


def ids_for(op, pool):
    return pool.get(op.resource) or [1]


def test_the_description_is_valid_to_somebody_elses_validator(document, house, tmp_path):
    node, modules = shutil.which("node"), pathlib.Path(os.environ.get("RECADO_NODE", "node_modules")) / "node_modules"
    program = modules / "@seriousme/openapi-schema-validator/bin/validate-api-cli.js"
    if node is None:
        pytest.skip("no node here")
    assert program.exists(), f"the validator is not installed in {modules}"
    for lang in ("es", "en"):
        path = tmp_path / f"openapi-{lang}.json"
        path.write_text(house.run("api", "describe", lang=lang), encoding="utf-8")
        done = subprocess.run([node, str(program), str(path)], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0 and '"valid": true' in done.stdout, done.stdout + done.stderr


def test_the_description_is_the_same_each_time_and_speaks_the_callers_language(document, house):
    assert document.api.call("GET", "openapi.json").text == document.text
    english = document.api.call("GET", "openapi.json?lang=en").json
    assert [t["description"] for t in english["tags"]] != [t["description"] for t in document.root["tags"]]
    assert json.loads(house.run("api", "describe", lang="es")) == document.root
    assert list(english["paths"]) == list(document.root["paths"])
    assert len({op.id for op in document.operations}) == len(document.operations) > 100


def test_what_fits_the_description_is_answered_as_described(document, house):
    with Findings(document) as found:
        dice, pool = random.Random(SEED), some_rows(document, house)
        done = {}
        for turn in range(ROUNDS):
            for op in document.operations:
                if op.method == "DELETE" and turn + 1 < ROUNDS:
                    continue                                    # first use the rows, then archive them
                for p in op.parameters("path"):
                    assert p["required"] is True, op
                address = op.address(**{p["name"]: dice.choice(ids_for(op, pool)) for p in op.parameters("path")})
                query = [(p["name"], sample(document, p["schema"], dice, pool)) for p in op.parameters("query")
                         if p["name"] != "cursor" and (p.get("required") or dice.random() < 0.4)]
                query = [(name, ",".join(value) if isinstance(value, list) else value) for name, value in query]
                if query:
                        address += "?" + urllib.parse.urlencode(query)
                body = fitting(document, op, dice, pool, share=0 if turn == 0 else 0.5)
                reply = document.send(op, address, body)
                found.check(op, reply, f"{address} {json.dumps(body)[:500]}")
                done.setdefault(op.id, []).append(reply.status)
                if reply.status == 201:
                    pool.setdefault(op.resource, []).append(reply.json.get("id", ""))
        answered = [name for name, statuses in done.items() if any(status < 300 for status in statuses)]
        assert len(answered) > len(done) * 0.55, sorted(set(done) - set(answered))
        made = [op.id for op in document.operations if op.id.endswith("_create")]
        assert made and all(201 in done[name] for name in made if name not in ("users_create", "tokens_create", "emails_create")), \
            {name: done[name] for name in made}


def rows_of(house):
    return {name: house.sql(f'SELECT count(*) FROM "{name}"')[0][0] for name, in
            house.sql("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
            if name not in ("idempotency", "session", "meta", "job", "job_run", "last_seen")}


def test_a_body_that_is_no_object_of_the_description_is_refused_and_changes_nothing(document, house):
    with Findings(document) as found:
        pool, before = pool_of(document, house.api), rows_of(house)
        for op in document.operations:
            if op.body is None:
                continue
            address = op.address(**{p["name"]: ids_for(op, pool)[0] for p in op.parameters("path")})
            closed = op.body.get("additionalProperties") is False
            for what, raw in STRANGE_BODIES.items():
                reply = document.send(op, address, raw=raw)
                found.check(op, reply, what)
                if closed and raw and what not in ("a key twice",):
                    assert 400 <= reply.status < 500, (op, what, reply)
            for media in MEDIA_TYPES:
                reply = document.send(op, address, raw=b'{"a": 1}', headers={"Content-Type": media})
                found.check(op, reply, media)
                if closed and media in ("text/xml", "text/plain", "application/octet-stream", "x", "application/json5"):
                    assert reply.status in (404, 415), (op, media, reply)
                    if reply.status == 415:
                        assert reply.json["error"]["code"] == "unsupported_media_type", (op, media, reply)
        after = rows_of(house)
        assert {name: after[name] - before[name] for name in before if name in ("client", "service", "user")} == \
            {"client": 0, "service": 0, "user": 0}


def test_every_field_refuses_what_it_does_not_hold_and_names_itself(document, house):
    with Findings(document) as found:
        dice, pool = random.Random(SEED), pool_of(document, house.api)
        count = 0
        for op in document.operations:
            if op.body is None or not op.body.get("properties"):
                continue
            address = op.address(**{p["name"]: ids_for(op, pool)[0] for p in op.parameters("path")})
            for name, schema in op.body["properties"].items():
                judge = document.judge(schema)
                values = list(STRANGE_TEXTS.items()) + [(repr(v), v) for v in STRANGE_VALUES]
                for what, value in values:
                    if op.resource == "tokens" and name == "all":
                        continue
                    good = fitting(document, op, dice, pool)
                    reply = document.send(op, address, {**good, name: value})
                    found.check(op, reply, f"{name}: {what}")
                    count += 1
                    # A whole number beyond 64 bits is kept digit for digit, as a text.
                    is_odd = value is None or value == "\ud800" or (type(value) is int and abs(value) >= 2 ** 63)
                    if not is_odd and not judge.is_valid(value.strip() if isinstance(value, str) else value) \
                            and op.body.get("additionalProperties") is False and reply.status != 404:
                        assert 400 <= reply.status < 500, (op, name, what, reply)
                        if reply.json["error"]["code"] in ("bad_input", "unknown_field") and op.id != "users_create":
                            assert reply.json["error"]["fields"], (op, name, what, reply)
        assert count > 500


def test_an_unknown_field_is_named_with_the_nearest_one(document, house):
    pool = pool_of(document, house.api)
    count = 0
    for op in document.operations:
        if op.body is None or op.body.get("additionalProperties") is not False:
            continue
        address = op.address(**{p["name"]: ids_for(op, pool)[0] for p in op.parameters("path")})
        reply = document.send(op, address, {"nobody_knows_this": 1})
        if reply.status in (404, 409):                      # no such row to change, or not now
            continue
        assert reply.status == 400 and reply.json["error"]["code"] == "unknown_field", (op, reply)
        assert "nobody_knows_this" in reply.json["error"]["fields"], (op, reply)
        count += 1
    assert count > 10


def test_strange_addresses_and_parameters_are_answered_as_described(document, house):
    with Findings(document) as found:
        pool = pool_of(document, house.api)
        for op in document.operations:
            strange = ["0", "-1", "999999999999", "a" * 26, "A" * 26, "%00", "%ff", "..", "a%2fb", "%F0%9F%98%80", "'", "1e9",
                       "a" * 2000, "a" * 20000, "9" * 40, "%E2%80%AE"]
            if op.parameters("path"):
                for text in strange:
                    path = op.path
                    for p in op.parameters("path"):
                        path = path.replace("{" + p["name"] + "}", text)
                    reply = document.send(op, path, {} if op.body is not None else None)
                    if reply.status == 405:                     # a literal address of another row
                        continue
                    found.check(op, reply, text[:40])
                    if op.method == "GET":
                        assert reply.status >= 400, (op, text[:40], reply)
            address = op.address(**{p["name"]: ids_for(op, pool)[0] for p in op.parameters("path")})
            for p in op.parameters("query"):
                for text in ("%00", "%ff", "", "-1", "0", "9" * 30, "a" * 1500, "a" * 20000, "%F0%9F%98%80", "'", "true", "[]"):
                    reply = document.send(op, f"{address}?{p['name']}={text}")
                    found.check(op, reply, f"{p['name']}={text[:40]}")
                    if text == "9" * 30 and p["schema"].get("type") == "integer":
                        assert reply.status == 400 and p["name"] in reply.json["error"]["fields"], (op, p["name"], reply)
        assert house.is_alive()
