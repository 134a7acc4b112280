"""The API as openapi.json promises it: operations, sample bodies, and a judge for what comes back."""
import datetime
import http.client
import json
import re
import urllib.parse

import jsonschema

from house import PATIENCE, Reply

METHODS = ("get", "post", "put", "patch", "delete")
FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("date", raises=ValueError)
def is_date(text):
    return not isinstance(text, str) or bool(datetime.date.fromisoformat(text))


@FORMATS.checks("date-time")
def is_instant(text):
    return not isinstance(text, str) or bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text))


@FORMATS.checks("email")
def is_email(text):
    return not isinstance(text, str) or bool(re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text))


@FORMATS.checks("uri")
def is_uri(text):
    return not isinstance(text, str) or bool(re.fullmatch(r"https?://\S+", text))


def unique_keys(pairs):
    """Refuse a JSON object that has a key twice, which json.loads would hide."""
    names = [name for name, _ in pairs]
    assert len(set(names)) == len(names), f"a key twice: {names}"
    return dict(pairs)


class Findings:
    """Everything that is wrong, told at once."""

    def __init__(self, document):
        self.document, self.told = document, {}

    def check(self, op, reply, what=""):
        try:
            self.document.check(op, reply, what)
        except AssertionError as why:
            self.add(op, str(why))

    def add(self, op, why):
        self.told.setdefault(op.id, why)            # one for each operation is enough to mend it

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        assert kind or not self.told, "\n\n".join(why[:900] for why in self.told.values())


class Operation:
    def __init__(self, document, path, method, spec):
        self.document, self.path, self.method, self.spec = document, path, method.upper(), spec
        self.id, self.right = spec["operationId"], spec.get("x-right", "")

    def __repr__(self):
        return f"{self.method} {self.path} ({self.right})"

    def parameters(self, where):
        return [p for p in self.spec.get("parameters", []) if p["in"] == where]

    @property
    def body(self):
        """The schema of the body, or None."""
        content = self.spec.get("requestBody", {}).get("content", {})
        return self.document.follow(content["application/json"]["schema"]) if content else None

    @property
    def resource(self):
        """The list this belongs to: what stands first in its address."""
        return self.path.split("/")[1]

    def address(self, **values):
        """The path with its parameters; a query after it."""
        path = self.path
        for p in self.parameters("path"):
            path = path.replace("{" + p["name"] + "}", urllib.parse.quote(str(values.get(p["name"], "1")), safe=""))
        return path


class Document:
    def __init__(self, api):
        reply = api.call("GET", "openapi.json")
        assert reply.status == 200, reply
        self.api, self.text = api, reply.text
        self.root = json.loads(self.text, object_pairs_hook=unique_keys)
        self.operations = [Operation(self, path, method, spec) for path, item in self.root["paths"].items()
                           for method, spec in item.items() if method in METHODS]
        self.codes = self.root["components"]["schemas"]["error"]["properties"]["error"]["properties"]["code"]["enum"]
        self.judges, self.line = {}, None

    def operation(self, operation_id):
        return next(op for op in self.operations if op.id == operation_id)

    def follow(self, schema):
        """What a $ref names."""
        while "$ref" in schema:
            found = self.root
            for name in schema["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            schema = found
        return schema

    def judge(self, schema):
        key = json.dumps(schema, sort_keys=True)
        if key not in self.judges:
            resolver = jsonschema.RefResolver.from_schema(self.root)
            self.judges[key] = jsonschema.Draft202012Validator(schema, resolver=resolver, format_checker=FORMATS)
        return self.judges[key]

    def check(self, op, reply, what=""):
        """This answer is one that the document promises."""
        where = f"{op} {what}: {reply}"
        assert reply.status < 500 or reply.status == 503, where
        assert str(reply.status) in op.spec["responses"], f"a status nobody declared: {where}"
        answer = self.follow(op.spec["responses"][str(reply.status)])
        media = reply.headers["content-type"].split(";")[0]
        assert media in answer["content"], where
        if media != "application/json":
            return
        content = answer["content"][media]
        value = json.loads(reply.text, object_pairs_hook=unique_keys)
        found = next(self.judge(content["schema"]).iter_errors(value), None)
        assert found is None, f"{where}\n{found.json_path if found else ''} {found.message if found else ''}"
        if reply.status >= 400:
            error = value["error"]
            assert error["message"].strip() and not re.search(r"%(s|d|zu|lld)", re.sub("«.*?»", "", error["message"])), where
        if reply.status in (429, 503):
            assert int(reply.headers["retry-after"]) >= 1, where

    def send(self, op, address, values=None, raw=None, headers=None):
        full = {"Authorization": "Bearer " + self.api.token, **(headers or {})}
        body = raw
        if values is not None:
            body = json.dumps(values)
        if body is not None:
            full.setdefault("Content-Type", "application/json")
            body = body if isinstance(body, bytes) else body.encode()
        return self._ask(op.method, "/api/v1" + address, body, full)

    def _ask(self, *words):
        """Thousands of calls share one line; one that the house has closed meanwhile is opened again."""
        for is_new in (self.line is None, True):
            if self.line is None:
                self.line = http.client.HTTPConnection(urllib.parse.urlsplit(self.api.house.address).netloc, timeout=PATIENCE)
            try:
                self.line.request(*words)
                return Reply(self.line.getresponse())
            except BaseException as why:
                self.line.close()
                self.line = None
                if is_new or not isinstance(why, ConnectionError):
                    raise


def sample(document, schema, dice, pool, share=0.5):
    """A value that fits; references come from pool: {resource: [ids]}; share: of what may be left out."""
    schema = document.follow(schema)
    kinds = schema.get("type", "object")
    kind = dice.choice(kinds) if isinstance(kinds, list) else kinds
    if "x-ref" in schema and kind != "null":
        ids = pool.get(schema["x-ref"]) or ["a" * 26]
        return dice.choice(ids)
    if "enum" in schema:
        return dice.choice(schema["enum"])
    if kind == "null":
        return None
    if kind == "boolean":
        return dice.random() < 0.5
    if kind == "integer":
        low, high = schema.get("minimum", 0), schema.get("maximum", 10 ** 9)
        return dice.choice([low, high, dice.randint(low, min(high, low + 10000))])
    if kind == "object":
        all_of = schema.get("properties", {})
        return {name: sample(document, one, dice, pool) for name, one in all_of.items()
                if not one.get("readOnly") and (name in schema.get("required", []) or dice.random() < share)}
    if kind == "array":
        return [sample(document, schema.get("items", {"type": "string"}), dice, pool) for _ in range(dice.randint(1, 3))]
    formats = {schema.get("format")} | {one.get("format") for one in schema.get("anyOf", [])}
    if "date" in formats:
        return str(datetime.date(2025, 1, 1) + datetime.timedelta(days=dice.randint(0, 900)))
    if "date-time" in formats:
        return f"2026-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}T{dice.randint(0, 23):02}:30:00Z"
    if "email" in formats:
        return f"p{dice.randint(0, 10 ** 6)}@example.com"
    if "uri" in formats:
        return f"https://example.com/{dice.randint(0, 10 ** 6)}"
    if isinstance(kinds, list) and "integer" in kinds:
        return f"{dice.randint(0, 999)}.{dice.randint(0, 99):02}"
    low, high = schema.get("minLength", 0), schema.get("maxLength", 40)
    letters = "abcñé 中😀<>&\"'%_" + "0123456789"
    length = dice.choice([low, min(high, 200), dice.randint(low, min(high, max(low, 30)))])
    text = "".join(dice.choice(letters) for _ in range(length))
    return ("x" + text[1:-1] + "x") if length > 1 else text.replace(" ", "x")
