"""How every page looks: axe finds nothing, nothing overflows a phone, both languages are complete, dark is dark."""
import os
import pathlib
import re

import pytest

from house import Village, wait_until
from person import DESK, PHONE, VISIBLE, Person, browser  # noqa: F401

NOW = "2025-09-08T10:00:00-05:00"
AXE = pathlib.Path(os.environ.get("RECADO_NODE", "build/node")) / "node_modules/axe-core/axe.min.js"
# Made by one template for every resource: once is enough.
SAME_PAGE = {"history", "archive", "restore", "activate", "deactivate", "up", "down"}
RUN_AXE = """const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ['violations'], iframes: false}).then(r => done(r.violations.map(
    v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html + ' ' + (n.any[0] || {message: ''}).message).join(' | '))));"""


@pytest.fixture(scope="module")
def office():
    """A house full of made-up people: each list has rows."""
    village = Village()
    house, standin = village.pair({"whatsapp.check_after_s": "1", "smtp.host": "127.0.0.1", "smtp.port": "9",
                                    "smtp.from": "avisos@example.com"}, "--delivered-ms", "100", "--read-ms", "200")
    house.serve(now=NOW)
    house.run("demo")
    house.call("renewals", "run", "--wait")
    house.add_user("ana")
    client = next(c for c in house.api.all("clients") if c.get("phone") and c["active_subscriptions"])
    standin.say(client["phone"], "RENOVAR")
    wait_until(lambda: house.api.get("inbox")["data"], "the letter")
    yield house
    village.close()


def pages(house):
    """Every page of the route table a logged-in person can open: lists, forms, and one row of each resource."""
    token = house.api
    seen, tails = [], set()
    for route in house.run("routes", json_out=True):
        path = route["path"]
        if route["method"] != "GET" or route["realm"] not in ("staff", "open") or "*" in path:
            continue
        if any(word in path for word in ("/assets", "/health", "/metrics", "/api/", ".json", ".csv", ".xlsx", "progress",
                                         "robots", "favicon", "/login", "/setup", "/reset", "/sample", "/admin", "/app", "/dashboard",
                                         "/relay")):
            continue
        if ":" in path:
            resource = path.split("/")[1]
            reply = token.call("GET", resource + "?limit=1")
            rows = (reply.json.get("data") or reply.json.get("results") or []) if reply.status == 200 else []
            if not rows:
                continue
            row = rows[0]
            name = row.get("name") if resource == "texts" else row.get("id")
            if name is None:
                continue
            tail = path.split("/")[-1]
            if tail in tails and tail in SAME_PAGE:
                continue
            tails.add(tail)
            path = re.sub(r":\w+", str(name), path, count=1)
            if ":" in path:
                continue
        seen.append(path)
    topics = {path.split("/")[1] for path in seen if path.count("/") == 1}
    return sorted(set(seen)) + [f"/help/{topic}" for topic in sorted(topics)
                                if token.call("GET", f"help/{topic}").status == 200]


@pytest.mark.skipif(not AXE.exists(), reason="axe-core could not be had (npm)")
@pytest.mark.parametrize("size, lang, scheme", [(DESK, "es", "light"), (PHONE, "en", "dark")],
                         ids=["desk-es-light", "phone-en-dark"])
def test_the_accessibility_checker_finds_nothing_on_any_page(browser, office, size, lang, scheme, request):  # noqa: F811
    me = Person(browser, office, size, lang, "looks-" + request.node.callspec.id)
    me.scheme(scheme)
    browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": AXE.read_text()})
    findings = []

    def look(path):
        try:
            me.look(path.strip("/").replace("/", "-")[:60] or "home")
        except AssertionError as e:
            findings.append(f"{path}: {e}")
        findings.extend(f"{path}: {v}" for v in browser.execute_async_script(RUN_AXE))
        heads = browser.execute_script(
            f"return [...document.querySelectorAll('h1')].filter({VISIBLE}).map(h => h.innerText.trim())")
        if len(heads) != 1 or not heads[0]:
            findings.append(f"{path}: {heads} are its headings of the first rank")

    me.go("/login")
    look("/login")
    me.log_in()
    for path in pages(office) + ["/nothing-here"]:
        me.go(path)
        look(path)
    findings.extend(m for m in me.complaints() if not re.search("status of (404|409)", m))
    assert findings == [], "\n".join(findings)
