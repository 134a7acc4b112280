"""`make bench`: what the appliance costs, as ratios against named peers in the same run.

One line a measure: what, ours, the peer's, the ratio, the bound, whether it holds. The same goes to a JSON file. Nothing
is asserted: times belong to the machine. The exit code is 0 unless something could not be run.

Peers: the sqlite3 shell of the pinned source asks the same SQL; curl_multi posts the same bodies and stores nothing;
page asks the bare SQL and renders the bare template, and must make the very same page, byte for byte. Each round
measures both, one after the other; the quickest round of each side counts where only speed is asked, the median where
the spread is. A busy machine hurts all the same, most of all what waits for the disk: the load is printed beside.
"""
import argparse
import datetime
import html
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(ROOT / "tests" / "e2e")]

import backup   # noqa: E402
import data     # noqa: E402
import export   # noqa: E402
import figures  # noqa: E402
import forecast # noqa: E402
import house    # noqa: E402
import imports  # noqa: E402
import load_report  # noqa: E402
import match_report  # noqa: E402
import recipients  # noqa: E402
import schedules  # noqa: E402
import sends    # noqa: E402

PATIENCE = 150                  # seconds for one command; the whole bench stays under six minutes
TICKS = os.sysconf("SC_CLK_TCK")
STAGES = (0, 1, 3, 7)
MANY, FEWER, DUE_EACH = 1_000_000, 100_000, 1000
NOTICES = 100_000
CUSTOMERS, FEW_CUSTOMERS = 100_000, 1000
CONNECTIONS = 50
LISTS = ("/", "/clients", "/subscriptions", "/payments", "/notices", "/outbox", "/batches", "/services", "/jobs")
BOUNDED_US = 2500
ANY_HOUR = {"outbox.window_from": "00:00", "outbox.window_to": "00:00"}


class Report:
    def __init__(self, only):
        self.rows, self.only, self.failed = [], only, []

    def add(self, name, ours, peer, peer_name, bound, unit="", is_least=False, note=""):
        """bound: the ratio may be at most this (at least, with is_least); None: for information."""
        ratio = ours / peer if peer else 0.0
        is_ok = None if bound is None else (ratio >= bound if is_least else ratio <= bound)
        self.rows.append({"name": name, "ours": ours, "peer": peer, "peer_name": peer_name, "ratio": round(ratio, 4),
                          "bound": bound, "bound_is": "at least" if is_least else "at most", "ok": is_ok, "unit": unit,
                          "note": note})
        limit = "" if bound is None else f"{'>=' if is_least else '<='} {bound:.3g} {'ok' if is_ok else 'NOT OK'}"
        print(f"{name:<62} {number(ours):>10} {number(peer):>10} {unit:<7} {ratio:7.3f}  {limit:<16} {peer_name}"
              + (f"; {note}" if note else ""), flush=True)

    def part(self, name, run, *args):
        if self.only and name not in self.only:
            return
        try:
            run(self, *args)
        except Exception as why:    # the other measures are worth having all the same
            self.failed.append(name)
            print(f"{name}: could not be measured: {type(why).__name__}: {why}", file=sys.stderr, flush=True)


def number(n):
    return f"{n:,.0f}" if abs(n) >= 1000 else f"{n:.3g}" if abs(n) < 100 else f"{n:.0f}"


def run_json(*argv):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode != 0:
        raise RuntimeError(f"{argv[0]}: exit {done.returncode}: {done.stderr.strip()[-300:]}")
    return json.loads(done.stdout)


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_kb(pid, what):
    return int(re.search(rf"{what}:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1))


class Place:
    """The folders and processes of one measure, all gone at its end."""

    def __enter__(self):
        self.village = house.Village()
        return self.village

    def __exit__(self, *_):
        self.village.close()


def filled(village, clients, subscriptions, due_each, today, settings=(), standin=None):
    made = village.house(settings, standin)
    made.run("renewals", "run", "--dry-run")    # as a first start: texts and the channel's account are there
    data.fill(str(made.state / "recado.db"), clients, subscriptions, due_each, today)
    return made


# --- choosing who is due ---------------------------------------------------------------------------------------

def sqlite_shell(build):
    """The shell of the pinned source, linked with the pinned library; else the system's. Built once."""
    shell = build / "bench" / "sqlite3"
    if not shell.exists():
        deps = pathlib.Path(subprocess.run([str(ROOT / "etc/deps/deps.sh"), "where"], capture_output=True, text=True,
                                           check=True).stdout.strip())
        archives = sorted((deps.parent / "src").glob("sqlite3_*.orig.tar.*"))
        archives = [a for a in archives if "orig-" not in a.name]
        try:
            build_shell(archives[-1], deps / "musl", shell)
        except (IndexError, OSError, subprocess.CalledProcessError) as why:
            print(f"the sqlite3 shell of the pinned source cannot be built ({why}); the system's is asked", file=sys.stderr)
            return shutil.which("sqlite3")
    return str(shell)


def build_shell(archive, prefix, shell):
    with tempfile.TemporaryDirectory(prefix="recado-shell-") as work:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True, "timeout": PATIENCE}
        subprocess.run(["tar", "xf", str(archive), "-C", work, "--strip-components=1"], **quiet)
        subprocess.run(["./configure", "--disable-tcl"], cwd=work, **quiet)
        subprocess.run(["make", "shell.c"], cwd=work, **quiet)
        shell.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([str(prefix / "bin/recado-cc"), "-O2", "-static-pie", f"-I{prefix}/include",
                        "-DSQLITE_THREADSAFE=2", "-DSQLITE_OMIT_LOAD_EXTENSION", "-DSQLITE_OMIT_DEPRECATED", "-o",
                        str(shell), "shell.c", str(prefix / "lib/mimalloc.o"), f"-L{prefix}/lib", "-lsqlite3", "-lm",
                        "-lpthread"], cwd=work, **quiet)


def due_sql():
    """The query as plan.c has it, without slices."""
    source = (ROOT / "app/renewals/plan.c").read_text()
    text = re.search(r"static const char due_sql\[\] =\n(.*?);\n", source, re.S).group(1)
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text))


def shell_script(today):
    lines = [".mode list", ".timer on"]
    for stage in STAGES:
        end = (today + datetime.timedelta(days=stage)).isoformat()
        sql = due_sql()
        for name, value in (("created_before", str(2 ** 63 - 1)), ("stage", str(stage)), ("ends_on", f"'{end}'"),
                            ("after", "0"), ("slice", "-1")):
            sql = re.sub(rf":{name}\b", value, sql)
        lines.append(sql + ";")
    return "\n".join(lines) + "\n"


def shell_seconds(shell, made, script):
    done = subprocess.run([shell, "-readonly", str(made.state / "recado.db")], input=script, capture_output=True, text=True,
                          timeout=PATIENCE)
    times = [float(t) for t in re.findall(r"^Run Time: real ([0-9.]+)", done.stdout, re.M)]
    rows = sum(1 for line in done.stdout.splitlines() if "|" in line)
    if len(times) != len(STAGES) or rows != DUE_EACH * len(STAGES):
        raise RuntimeError(f"the shell said {len(times)} times and {rows} rows: {done.stderr[:300]}")
    return sum(times)


def our_seconds(made, today):
    told = made.run("renewals", "run", "--dry-run", "--date", today.isoformat(), json_out=True)
    if sum(row["found"] for row in told["results"]) != DUE_EACH * len(STAGES):
        raise RuntimeError(f"not everybody was found: {told['results']}")
    return told["choosing_us"] / 1e6


def choosing(report, build, rounds=9):
    today = datetime.date.today()
    shell, script = sqlite_shell(build), shell_script(today)
    with Place() as village:
        large = filled(village, MANY // 2, MANY, DUE_EACH, today)
        small = filled(village, FEWER // 2, FEWER, DUE_EACH, today)
        times = {"ours": [], "shell": [], "ours_small": [], "shell_small": []}
        for _ in range(rounds):
            times["ours"].append(our_seconds(large, today))
            times["shell"].append(shell_seconds(shell, large, script))
            times["ours_small"].append(our_seconds(small, today))
            times["shell_small"].append(shell_seconds(shell, small, script))
        ms = {name: min(t) * 1000 for name, t in times.items()}
    version = subprocess.run([shell, "--version"], capture_output=True, text=True).stdout.split()[0]
    report.add("choosing 4,000 due of 1,000,000", ms["ours"], ms["shell"], f"the same SQL in the sqlite3 shell {version}",
               2.0, "ms", note=f"quickest of {rounds}")
    report.add("choosing 4,000 of 1,000,000 or of 100,000", ms["ours"], ms["ours_small"],
               "ours with 100,000 subscriptions", 2.0, "ms",
               note=f"the shell's own ratio {ms['shell'] / ms['shell_small']:.2f}")


# --- sending ---------------------------------------------------------------------------------------------------

def bodies_of(standin, path):
    """What the appliance posted, in the form in which it posted it."""
    with open(path, "w", encoding="utf-8") as out:
        for row in standin.received():
            out.write(json.dumps({"to": row["to"], "text": row["body"]}, ensure_ascii=False, separators=(",", ":")) + "\n")


def bare_round(build, standin, bodies, slots):
    """Posts a second of the bare loop, and its processor time a post."""
    standin.post("/_standin/reset")
    told = run_json(build / "bench" / "curl_multi", standin.address + "/api/send-message", "key-of-the-session", bodies,
                    NOTICES, slots)
    if told["accepted"] != NOTICES:
        raise RuntimeError(f"the bare loop's posts were not all accepted: {told}")
    return told["count"] / told["seconds"], told["cpu_s"] / told["count"] * 1e6


def our_round(made, standin):
    """Notices a second from the first seen to the last, processor time a notice, and the memory at its highest."""
    standin.post("/_standin/reset")
    made.serve(secret=None)
    end, first = time.monotonic() + PATIENCE, None
    while True:
        count, at = standin.counts()["accepted"], time.monotonic()
        if first is None and count > 0:
            first = at, count
        if count >= NOTICES:
            break
        if at > end:
            raise RuntimeError(f"only {count} notices had left after {PATIENCE} s")
        time.sleep(0.02)
    high, spent = memory_kb(made.server.pid, "VmHWM"), cpu_s(made.server.pid)
    counts = standin.counts()
    made.stop()
    if counts["duplicates"] or counts["accepted"] != NOTICES:
        raise RuntimeError(f"not each notice once: {counts}")
    return (count - first[1]) / (at - first[0]), spent / NOTICES * 1e6, high


def sending(report, build):
    today = datetime.date.today()
    for slots, rounds in ((64, 3), (32, 1)):
        ours, bare = [], []
        with Place() as village:
            # Looks at deliveries are the provider's other call and not part of the bare loop: put off.
            settings = {"outbox.slots": str(slots), "whatsapp.check_after_s": "3600", **ANY_HOUR}
            standin = village.standin()
            made = filled(village, NOTICES, NOTICES, 1, today, settings, standin)
            bodies = made.folder / "bodies"
            data.fill_messages(str(made.state / "recado.db"), NOTICES, today)
            before = made.folder / "before"     # the folder as it is before anything leaves
            shutil.copytree(made.state, before)
            for i in range(rounds):
                if i > 0:
                    shutil.rmtree(made.state)
                    shutil.copytree(before, made.state)
                ours.append(our_round(made, standin))
                if i == 0:
                    bodies_of(standin, bodies)
                bare.append(bare_round(build, standin, bodies, slots))
        report.add(f"sending 100,000 notices, {slots} slots", max(o[0] for o in ours), max(b[0] for b in bare),
                   f"curl_multi, {slots} at a time", 0.70, "/s", is_least=True,
                   note="rounds " + " ".join(f"{o[0] / b[0]:.2f}" for o, b in zip(ours, bare)))
        report.add(f"processor time a notice, {slots} slots", min(o[1] for o in ours), min(b[1] for b in bare),
                   "curl_multi", None, "us", note="for information: with the ledger, on two threads")
        report.add(f"memory while sending, {slots} slots", max(o[2] for o in ours) / 1024, 48.0, "the limit", 1.0, "MB")


# --- pages -----------------------------------------------------------------------------------------------------

def load(build, made, panel, path, connections, seconds):
    cookie = "; ".join(f"{k}={v}" for k, v in panel.cookies.items())
    host, port = made.address.split("//")[1].split(":")
    before = cpu_s(made.server.pid)
    told = run_json(build / "bench" / "load", host, port, path, cookie, connections, seconds)
    told["cpu_us"] = (cpu_s(made.server.pid) - before) / told["count"] * 1e6
    if told["errors"]:
        raise RuntimeError(f"{path}: {told['errors']} answers were not 200")
    return told


# Addresses of the list whose processor time is compared, with what their question says beyond the plain one.
LIST_ADDRESSES = (
    ("/clients", "", "t.sort_name", "t.sort_name, t.id"),
    ("/clients?sort=created_at&state=active", " AND (+t.is_active = 1)", "t.created_at", "t.created_at DESC, t.id DESC"),
    ("/clients?q=lo&sort=created_at&state=active", " AND (+t.is_active = 1) AND t.search LIKE '%lo%' ESCAPE '\\'",
     "t.created_at", "t.created_at DESC, t.id DESC"),
    ("/clients?q=zzz", " AND t.search LIKE '%zzz%' ESCAPE '\\'", "t.sort_name", "t.sort_name, t.id"),
)
LIST_SQL = (
    "SELECT t.public_id, trim(t.given_names || ' ' || t.surnames),"
    " CASE WHEN t.surnames = '' THEN t.given_names ELSE t.surnames || ', ' || t.given_names END, t.phone, t.email,"
    " t.is_active, (SELECT count(*) FROM subscription x WHERE x.client_id = t.id AND x.state = 'active'"
    " AND x.archived_at IS NULL), p.k FROM (SELECT t.id, {key} AS k FROM client t WHERE t.archived_at IS NULL"
    " AND t.generation NOT IN (SELECT id FROM pending_generation){where} ORDER BY {order} LIMIT ?1) p"
    " CROSS JOIN client t ON t.id = p.id")
OPTIONS_SQL = "SELECT public_id, name FROM user WHERE archived_at IS NULL ORDER BY name_folded, id LIMIT 101"


def found(pattern, text, otherwise=""):
    at = re.search(pattern, text, re.S)
    return html_text(at.group(1)) if at else otherwise


def html_text(text):
    return html.unescape(text)


def links(text, extra=""):
    return [{"href": html_text(h), "title": html_text(t)} | ({"is_current": "aria-current" in a} if extra else {})
            for h, a, t in re.findall(r'<a href="([^"]*)"([^>]*)>([^<]*)', text)]


def hidden(text):
    return [{"name": n, "value": html_text(v)}
            for n, v in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', text)]


def one_filter(block):
    title, name = found(r"<span>(.*?)</span>", block), found(r'name="(\w+)"', block)
    choices = [{"value": v, "title": html_text(t), "is_selected": bool(s)}
               for v, s, t in re.findall(r'<option value="([^"]*)"( selected)?>([^<]*)<', block)]
    has_all = name != "archived"    # its first choice is one of its own
    return {"name": name, "title": title, "is_choice": "<select" in block, "has_all": has_all, "has_matches": None,
            "choices": choices[1:] if has_all else choices}


def head_cell(attributes, inside):
    return {"title": html_text(re.sub(r"<[^>]+>", "", inside)), "href": found(r'href="([^"]*)"', inside, None),
            "is_number": "number" in attributes, "is_up": "ascending" in attributes, "is_down": "descending" in attributes}


def tools_context(page):
    """Search, filters, marks, orders and columns to choose: what stands above the rows."""
    search = re.search(r'(?s)<form class="search".*?</form>', page).group(0)
    fold = re.search(r'(?s)<details class="filters".*?</details>', search).group(0)
    chooser = re.search(r'(?s)<details class="chooser".*?</details>', page).group(0)
    sorts = re.search(r'(?s)<p class="muted">[^<]*(<a.*?)</p>', page).group(1)
    marks = re.search(r'(?s)<p class="marks">(.*?)</p>', page)
    return {
        "has_tools": True, "has_search": True, "q": found(r'name="q" value="([^"]*)"', search), "has_filters": True,
        "filters_open": True, "active": found(r'<span class="badge">(\d+)<', fold, None),
        "filters": [one_filter(b) for b in re.findall(r"(?s)<label>(.*?)</label>", fold)],
        "carried": hidden(search), "has_sorts": True, "has_chooser": True, "kept": hidden(chooser),
        "sorts": [{"href": html_text(h), "title": html_text(t), "is_current": "aria-current" in a, "is_down": "↓" in r}
                  for h, a, t, r in re.findall(r'(?s)<a href="([^"]*)"([^>]*)>([^<]*?)(?: <span[^>]*>([↓↑])</span>)?</a>', sorts)],
        "choosable": [{"name": n, "is_chosen": bool(c), "title": html_text(t)} for n, c, t in re.findall(
            r'name="columns" value="(\w+)"( checked)?> ([^<]*)<', chooser)],
        "has_marks": marks is not None, "show_all": found(r'<a class="button[^"]*" href="(/clients)">', page, "/clients"),
        "marks": [{"href": html_text(h), "title": html_text(t), "text": html_text(v)} for h, t, v in re.findall(
            r'<a class="mark" href="([^"]*)"><span>([^<]*): <b>([^<]*)</b>', marks.group(1) if marks else "")],
        "is_filtered": marks is not None,
    }


def rows_context(page):
    """Heads, actions for many rows and pager: what stands around the rows."""
    if "<thead>" not in page:
        return {"is_empty": True}
    head = re.search(r"(?s)<thead>(.*?)</thead>", page).group(1)
    cells = re.findall(r'(?s)<th scope="col"([^>]*)>(.*?)</th>', head)
    bulk = re.search(r'(?s)<div class="actions">(.*?)</div>', page).group(1)
    pager = re.search(r'(?s)<nav class="pager".*?</nav>', page).group(0)
    return {
        "is_empty": False, "has_bulk": True, "is_editable": True, "list_query": found(r'name="list" value="([^"]*)"', page),
        "columns": [head_cell(a, inside) for a, inside in cells[1:-1]],     # without check box and pen
        "all_of_them": found(r'name="all" value="1"> ([^<]*)<', bulk, None),
        "bulk": [{"href": html_text(h), "title": html_text(t), "is_dangerous": bool(d)} for d, h, t in re.findall(
            r'<button( class="danger")? type="submit" formaction="([^"]*)">([^<]*)<', bulk)],
        "count": found(r"<span>(.*?) en total</span>", pager, None), "count_href": found(r'href="([^"]*)" rel="nofollow"', pager),
        "previous": found(r'rel="prev" href="([^"]*)"', pager, None), "next": found(r'rel="next" href="([^"]*)"', pager, None),
    }


def layout_context(page, csrf):
    menu = re.search(r'(?s)<nav class="menu".*?</nav>', page).group(0)
    sections = []
    for anchor, label, items in re.findall(r'(?s)(?:<p class="menu-title" id="([^"]*)">([^<]*)</p>\s*)?<ul[^>]*>(.*?)</ul>', menu):
        sections.append({"anchor": anchor, "label": html_text(label), "items": [
            {"path": link["href"], "title": link["title"], "is_current": link["is_current"]} for link in links(items, "current")]})
    person = re.search(r'(?s)<nav class="person".*?</nav>', page).group(0)
    path, code, name = re.search(r'<a href="([^"]*)" lang="(\w+)"[^>]*>([^<]*)', person).groups()
    return {
        "lang": "es", "title": "Clientes", "csrf": csrf, "path": "/clients", "is_logged_in": True, "alerts": [],
        "icon": found(r'rel="icon" href="([^"]*)"', page), "css": found(r'rel="stylesheet" href="([^"]*)"', page),
        "js": found(r'<script src="([^"]*)"', page), "help_path": found(r'<a href="([^"]*)" rel="help"', person),
        "is_offline": 'class="strip"' in page, "is_plain_http": False, "flash": None, "sections": sections,
        "languages": [{"path": html_text(path), "code": code, "name": name}],
        "user": {"name": found(r'<a href="/me">([^<]*)<', person)},
    }


def page_context(page):
    """What does not change from page to page, read from a page of the appliance."""
    csrf = found(r'name="csrf" value="([^"]*)"', page)
    door = {"new": found(r'<a class="button main" href="([^"]*)"', page), "import": found(r'href="(/clients/import)"', page),
            "xlsx": found(r'href="(/clients\.xlsx[^"]*)"', page), "csv": found(r'href="(/clients\.csv[^"]*)" download>CSV<', page)}
    return {
        "page": {"heading": "Clientes", "list_path": "/clients", "title_one": "Cliente", "csrf": csrf, "lang": "es",
                 "path": "/clients", "resource": "clients", **door, **tools_context(page), **rows_context(page)},
        "layout": layout_context(page, csrf)}


def same_page(path, ours, theirs):
    """The peer is one only if it makes the very same page."""
    if ours == theirs:
        return
    pairs = [(a, b) for a, b in zip(ours.splitlines(), theirs.splitlines()) if a != b]
    a, b = pairs[0] if pairs else ("", "")
    raise RuntimeError(f"{path}: the bare page is another one ({len(ours)} and {len(theirs)} letters): {a[:300]!r} and {b[:300]!r}")


class BarePage:
    """The same page by bare SQL and bare template."""

    def __init__(self, build, made, panel, n):
        self.path, where, key, order = LIST_ADDRESSES[n]
        self.made, self.binary = made, build / "bench" / "page"
        self.context, self.out = made.folder / f"context-{n}.json", made.folder / f"page-{n}.html"
        page = panel.page(self.path)
        context = page_context(page)
        names = [f["name"] for f in context["page"]["filters"]]
        context |= {"sql": LIST_SQL.format(where=where, key=key, order=order), "options_sql": OPTIONS_SQL,
                    "options_of": names.index("owner")}
        context["page"]["filters"][context["options_of"]]["choices"] = []
        self.context.write_text(json.dumps(context))
        self.rows = page.count('name="ids"')
        self.run(1)
        same_page(self.path, page, self.out.read_text())

    def run(self, pages):
        """Processor time a page and of it the SQL's, microseconds; bytes."""
        told = run_json(self.binary, self.made.state / "recado.db", self.context, self.rows, pages, self.out)
        return told["cpu_s"] / pages * 1e6, told["sql_cpu_s"] / pages * 1e6, told["bytes"]


def middle_of(told, keys=("median_us", "p99_us", "cpu_us", "bytes")):
    return {k: statistics.median(t[k] for t in told) for k in keys}


def one_address(report, build, made, panel, n, rounds):
    """p99 against the median with many people looking, and processor time against the bare page."""
    bare = BarePage(build, made, panel, n)
    is_slow = bare.run(2)[0] > 2000     # looks at each customer: some pages are enough
    load(build, made, panel, bare.path, CONNECTIONS, 1)
    told, other, still = [], [], []
    for _ in range(rounds):
        still.append(load(build, made, panel, "/health/live", CONNECTIONS, 0.4))
        told.append(load(build, made, panel, bare.path, CONNECTIONS, 2))
        other.append(bare.run(40 if is_slow else 4000))
    middle, spread = middle_of(told), statistics.median(t["p99_us"] / t["median_us"] for t in told)
    quiet = statistics.median(s["p99_us"] / s["median_us"] for s in still)
    rate = statistics.median(t["count"] / t["seconds"] for t in told)
    bare_us, sql_us = (statistics.median(o[i] for o in other) for i in (0, 1))
    report.add(f"{bare.path}, 50 connections, p99", spread * middle["median_us"] / 1000, middle["median_us"] / 1000,
               "its own median", 3.0, "ms", note=f"{rate:,.0f} pages/s; the constant /health/live has {quiet:.1f}")
    report.add(f"{bare.path}, processor a page", middle["cpu_us"], bare_us, "bare SQL and bare template", 2.0, "us",
               note=f"the same {middle['bytes']:,.0f} bytes; the SQL alone {sql_us:.0f} us")


def first_visits(report, houses):
    spent = []
    for made, panel in houses:
        before = cpu_s(made.server.pid)
        panel.page("/")
        spent.append((cpu_s(made.server.pid) - before) * 1000)
    report.add("first visit of the home page", spent[0], spent[1] or 10.0, "ours with 1,000 customers", None,
               "ms", note="processor time (10 ms is the clock's step); what took long is kept 100 times as long")


def pages(report, build, rounds=5):
    today = datetime.date.today()
    with Place() as village:
        made = filled(village, CUSTOMERS, CUSTOMERS, DUE_EACH, today).serve()
        few = filled(village, FEW_CUSTOMERS, FEW_CUSTOMERS, 10, today).serve()
        houses = [(m, m.panel()) for m in (made, few)]
        first_visits(report, houses)
        for n in range(len(LIST_ADDRESSES)):
            one_address(report, build, made, houses[0][1], n, rounds if n == 0 else 3)
        for path in LISTS:
            pair = [statistics.median(load(build, m, p, path, 1, 0.5)["cpu_us"] for _ in range(3)) for m, p in houses]
            # Counting up to 10,001, as far as a page may, takes less than BOUNDED_US: so much may lie between the two.
            report.add(f"{path} of 100,000 or of 1,000 customers", pair[0], pair[1], "ours with 1,000 customers",
                       max(2.0, (pair[1] + BOUNDED_US) / pair[1]), "us", note="processor time a page")


# --- at rest ---------------------------------------------------------------------------------------------------

def at_rest(report, build, rounds=9):
    release = build / "release" / "recado"
    report.add("size of the stripped binary", release.stat().st_size / 1024 / 1024, 8.0, "the limit", 1.0, "MB")
    copies = run_json(build / "bench" / "copy")     # fails when a copy is wrong
    report.add("copying 1 to 64 bytes", copies["ours_ns"], copies["libc_ns"], "string instructions, as in musl", 1.0, "ns")
    with Place() as village:
        made = filled(village, CUSTOMERS, CUSTOMERS, DUE_EACH, datetime.date.today())
        ready = []
        for _ in range(rounds):
            began = time.monotonic()
            made.serve()    # returns after /health/live has answered
            ready.append((time.monotonic() - began) * 1000)
            made.stop()
        made.serve()
        time.sleep(3)
        idle = memory_kb(made.server.pid, "VmRSS")
        report.add("ready after start, 100,000 customers", statistics.median(ready), 100.0, "the limit", 1.0, "ms",
                   note="first answer of /health/live")
        report.add("memory at rest, 100,000 customers", idle / 1024, 12.0, "the limit", 1.0, "MB")


def main():
    ask = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ask.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    ask.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / "bench.json")
    ask.add_argument("--only", nargs="*", help="at_rest, choosing, pages, sending, sends, export, imports, recipients,"
                     " load_report, match_report, figures, forecast, schedules, backup")
    said = ask.parse_args()
    build = said.build.resolve()
    os.environ["RECADO_BIN"] = str(build / "release" / "recado")
    report, began = Report(said.only), time.monotonic()
    load_before = os.getloadavg()
    print(f"{'measure':<62} {'ours':>10} {'peer':>10} {'unit':<7} {'ratio':>7}  {'bound':<16} peer", flush=True)
    report.part("at_rest", at_rest, build)
    report.part("choosing", choosing, build)
    report.part("pages", pages, build)
    report.part("sending", sending, build)
    report.part("sends", sends.sends, build, sys.modules[__name__])
    report.part("export", export.exports, build, sys.modules[__name__])
    report.part("imports", imports.imports, build, sys.modules[__name__])
    report.part("recipients", recipients.measure, build, sys.modules[__name__])
    report.part("load_report", load_report.measure, build, sys.modules[__name__])
    report.part("match_report", match_report.measure, build, sys.modules[__name__])
    report.part("figures", figures.measure, build, sys.modules[__name__])
    report.part("schedules", schedules.schedules, build, sys.modules[__name__])
    report.part("forecast", forecast.forecasts, build, sys.modules[__name__])
    report.part("backup", backup.backups, build, sys.modules[__name__])
    took = time.monotonic() - began
    print(f"{took:.0f} s; {os.cpu_count()} cores, load {load_before[0]:.1f} before and {os.getloadavg()[0]:.1f} after")
    said.out.parent.mkdir(parents=True, exist_ok=True)
    said.out.write_text(json.dumps({
        "at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "cores": os.cpu_count(),
        "load_before": load_before, "load_after": os.getloadavg(), "seconds": round(took, 1), "failed": report.failed,
        "measures": report.rows}, indent=1) + "\n")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
