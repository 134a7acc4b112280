#!/usr/bin/python3
"""check.py -- the house rules that a compiler does not know; `make check` runs it, any finding fails it.

Usage: check.py MERGED.po
Rules: floors of includes (design: a room uses only rooms below it); calls and headers with one home; no
`%s` in SQL or HTML text, no clock inside SQL; a comment on top; lines of at most 110 columns (140 where
the line holds text; one long literal that cannot be broken is let be); no reminders left behind; every msgid
has a translation and is said somewhere; every POST row of the staff realm has a token.
Each finding is one line: file:line: what is wrong and what to do instead.
"""
import glob
import os
import re
import subprocess
import sys

COLUMNS = 110
QUOTED_COLUMNS = 140  # a line that holds text: SQL, a sentence of a test, a shell message
TAB = 8

# --- floors: a room and what it may include. The Makefile links unit tests by the same table. ---------------
BELOW_WEB = ["work", "link", "files", "db", "certs", "base"]
BELOW_DESK = ["outbox", "pay", "web"] + BELOW_WEB
MODULES = ["renewals", "sends", "stays", "fleet", "tickets"]
FLOORS = {
    "base": [], "certs": ["base"], "db": ["base"],
    "work": ["db", "certs", "base"], "link": ["db", "certs", "base"], "files": ["db", "certs", "base"],
    "web": BELOW_WEB, "outbox": ["web"] + BELOW_WEB, "pay": ["web"] + BELOW_WEB,
    "desk": BELOW_DESK, "ops": MODULES + ["desk"] + BELOW_DESK,
    "standin": ["link", "base"],        # and web/server.h, see below
}
for m in MODULES:
    FLOORS[m] = ["desk"] + BELOW_DESK
MAY_USE_MODULE_H = set(MODULES) | {"ops"}

BANNED = {
    "strcpy": "sb_*, or memcpy with a known length", "strcat": "sb_*", "sprintf": "snprintf or sb_printf",
    "vsprintf": "vsnprintf", "gets": "fgets", "strtok": "a bounded parser", "system": "nothing: no shell",
    "popen": "nothing: no shell", "alloca": "the arena", "localtime": "base/clock.h",
    "localtime_r": "base/clock.h",
    "mktime": "base/clock.h", "tzset": "base/clock.h", "strftime": "base/clock.h", "asctime": "base/clock.h",
    "ctime": "base/clock.h", "rand": "cx's random", "srand": "cx's random", "gettimeofday": "cx's clock",
}
BANNED_WORDS = {
    "CURLOPT_POSTFIELDS": "CURLOPT_READFUNCTION: curl repeats POSTFIELDS by itself after a cut",
    "CURLOPT_COPYPOSTFIELDS": "CURLOPT_READFUNCTION: curl repeats POSTFIELDS by itself after a cut",
}
# header -> where it may be included
HOMES = [
    (re.compile(r"^microhttpd\.h$"), lambda p: p == "app/web/server.c", "web/server.c is the only door in"),
    (re.compile(r"^sqlite3\.h$"), lambda p: p.startswith("db/"), "db is the only door to SQLite"),
    (re.compile(r"^curl/"), lambda p: p.startswith("app/link/"), "link is the only door out"),
    (re.compile(r"^(mbedtls|psa)/"), lambda p: p.startswith(("app/base/seal", "app/link/", "certs/")),
     "base/seal, link and certs only"),
]

findings = []


def finding(path, line, text):
    findings.append(f"{path}:{line}: {text}")


def room_of(path):
    parts = path.split("/")
    if parts[0] in ("db", "certs"):
        return parts[0]
    if parts[0] == "app" and len(parts) > 2:
        return parts[1]
    return None


# --- reading C: comments blanked, strings kept apart, line numbers kept -------------------------------------
TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def split_c(text):
    """Return (code with comments and strings blanked, list of (offset, end, string body))."""
    strings = []

    def blank(m):
        t = m.group(0)
        if t[0] == '"':
            strings.append((m.start(), m.end(), t[1:-1]))
        return re.sub(r"[^\n]", " ", t)

    return TOKEN.sub(blank, text), strings


def line_at(text, offset):
    return text.count("\n", 0, offset) + 1


UNESCAPE = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}


def unescape(s):
    return re.sub(r"\\(.)", lambda m: UNESCAPE.get(m.group(1), m.group(0)), s)


def joined_strings(text, code, strings):
    """Adjacent literals are one text: yields (offset, whole body)."""
    i = 0
    while i < len(strings):
        start, end, body = strings[i]
        while i + 1 < len(strings):
            between = text[end:strings[i + 1][0]]
            if not re.fullmatch(r"(?:\s|/\*.*?\*/|PRI[a-zA-Z0-9]+)*", between, re.S):
                break
            i += 1
            end = strings[i][1]
            body += strings[i][2]
        yield start, body
        i += 1


SQL = re.compile(r"\b(SELECT\s|INSERT\s+(INTO|OR)\b|UPDATE\s+\w|DELETE\s+FROM\b|WHERE\s|ORDER\s+BY\b|"
                 r"CREATE\s+(TABLE|INDEX|VIEW)\b|VALUES\s*\()")
HTML = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*[\s>/]")
PERCENT_S = re.compile(r"%[-0-9.*]*s")
SQL_CLOCK = re.compile(r"'(now|localtime)'|\bCURRENT_(TIMESTAMP|DATE|TIME)\b")
LONE_LITERAL = re.compile(r'\s*(\S+\s)?(N?_\()?"[^"]*(\\"[^"]*)*"[\s,;)}]*$')
INLINE = re.compile(r"\son[a-z]+\s*=|\sstyle\s*=|<script(?![^>]*\bsrc=)[^>]*>\s*\S|javascript:")
MSGID_CALL = re.compile(r"\bN?_\(")


def check_includes(path, text):
    room = room_of(path)
    for m in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', text, re.M):
        line, name = line_at(text, m.start()), m.group(2)
        for pattern, allowed, why in HOMES:
            if pattern.match(name) and not allowed(path):
                finding(path, line, f"<{name}> is not included here: {why}")
        if m.group(1) == "<" or room is None:
            continue
        if "/" not in name:
            if name == "module.h":
                if room not in MAY_USE_MODULE_H:
                    finding(path, line, f"{room} lies below module.h: tables are handed down, not looked up")
            else:
                finding(path, line, f'"{name}": write the room too ("{room}/{name}")')
            continue
        other = name.split("/")[0]
        if other == room or (room == "standin" and name == "web/server.h"):
            continue
        if other not in FLOORS:
            finding(path, line, f'"{name}": no such room')
        elif other not in FLOORS.get(room, []):
            finding(path, line, f"{room} may not use {other}: it is not a floor below")


def check_calls(path, code):
    for m in re.finditer(r"(?<![\w.>])([a-z_]+)\s*\(", code):
        if m.group(1) in BANNED and code[max(0, m.start() - 2):m.start()] != "->":
            finding(path, line_at(code, m.start()), f"{m.group(1)}() is banned: use {BANNED[m.group(1)]}")
    for word, instead in BANNED_WORDS.items():
        for m in re.finditer(rf"\b{word}\b", code):
            finding(path, line_at(code, m.start()), f"{word} is banned: use {instead}")
    for m in re.finditer(r"(?<![\w.>])time\s*\(\s*(NULL|0|&)", code):
        finding(path, line_at(code, m.start()), "time() is banned: take the time from cx's clock")


def check_strings(path, text, code, strings):
    for start, body in joined_strings(text, code, strings):
        line = line_at(text, start)
        if PERCENT_S.search(body):
            if SQL.search(body):
                finding(path, line, "%s inside SQL: bind a named parameter")
            if HTML.search(body):
                finding(path, line, "%s inside HTML: use a template or sb_html")
        if SQL_CLOCK.search(body):
            finding(path, line, "SQL has no clock here: bind the time from cx")


def check_layout(path, text):
    if path.endswith((".c", ".h")):
        ok = text.startswith("/*")
    elif path.endswith(".sql"):
        ok = text.startswith("--")
    elif path.endswith(".py"):
        ok = re.match(r'(#![^\n]*\n)?("""|#)', text) is not None
    else:
        ok = re.match(r"#![^\n]*\n#", text) is not None
    if not ok:
        finding(path, 1, "a file starts with a comment: what it owns, needs, never does, what always holds")
    laid_by_hand = False        # tables between "clang-format off" and "on" are as wide as they need
    for n, line in enumerate(text.split("\n"), 1):
        if "clang-format o" in line:
            laid_by_hand = "clang-format off" in line
        limit = QUOTED_COLUMNS if '"' in line or "'" in line or path.endswith((".py", ".sh")) else COLUMNS
        is_long = not laid_by_hand and len(line.rstrip(' \t\\').expandtabs(TAB)) > limit and not path.endswith(".sql")
        if is_long and not LONE_LITERAL.match(line):
            finding(path, n, f"{len(line.expandtabs(TAB))} columns, the limit is {limit}")
        if re.search(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b", line):
            finding(path, n, "no reminders in the tree: do it, or open an issue")


# --- words --------------------------------------------------------------------------------------------------
def read_po(path):
    ids, key, cur = {}, None, {"msgid": "", "msgstr": ""}
    for line in open(path, encoding="utf-8"):
        m = re.match(r'(msgid|msgstr)?\s*"(.*)"\s*$', line)
        if not m:
            continue
        if m.group(1) == "msgid":
            ids[cur["msgid"]] = cur["msgstr"]
            cur = {"msgid": "", "msgstr": ""}
        key = m.group(1) or key
        cur[key] += unescape(m.group(2))
    ids[cur["msgid"]] = cur["msgstr"]
    return ids


def check_words(path, text, code, strings, known):
    for m in MSGID_CALL.finditer(code):
        if re.search(r"#[ \t]*define[ \t]+$", code[code.rfind("\n", 0, m.start()) + 1:m.start()]):
            continue
        end, parts = m.end(), []
        while True:
            gap = re.compile(r"\s*").match(text, end).end()
            nxt = next((s for s in strings if s[0] == gap), None)
            if nxt is None:
                break
            parts.append(nxt[2])
            end = nxt[1]
        if parts:
            msgid = unescape("".join(parts))
            if msgid not in known:
                finding(path, line_at(text, m.start()), f"no Spanish for {msgid!r} in etc/po/es.d/")


def check_template(path, text, known):
    for m in re.finditer(r"\{\{#_\}\}(.*?)\{\{/_\}\}", text, re.S):
        if m.group(1) not in known:
            finding(path, line_at(text, m.start()), f"no Spanish for {m.group(1)!r} in etc/po/es.d/")
    for n, line in enumerate(text.split("\n"), 1):
        for m in INLINE.finditer(line):
            finding(path, n, f"{m.group(0).strip()!r}: the content policy allows nothing inline")


def used_words(path, text, code, strings):
    """Every text that could be a msgid: whole literals, and the titles of choices ("code=Title|code=Title")."""
    for _, body in joined_strings(text, code, strings):
        body = unescape(body)
        yield body
        for part in body.split("|"):
            yield part.partition("=")[2]


def check_unused(used):
    for path in sorted(glob.glob("etc/po/es.d/*.po")):
        for msgid in read_po(path):
            if msgid and msgid not in used:
                line = next((n for n, s in enumerate(open(path, encoding="utf-8"), 1)
                             if s.startswith("msgid") and unescape(s[6:].strip().strip('"'))[:40] == msgid[:40]), 1)
                finding(path, line, f"nothing says {msgid!r} any more: take it out")


# --- routes -------------------------------------------------------------------------------------------------
def braces(code, start):
    """The text between the brace at start and its partner, and the offset behind it."""
    depth = 0
    for i in range(start, len(code)):
        if code[i] == "{":
            depth += 1
        elif code[i] == "}":
            depth -= 1
            if depth == 0:
                return i + 1
    return len(code)


def fields(row):
    out, depth, cur, quoted = [], 0, "", False
    for i, c in enumerate(row):
        if c == '"' and row[i - 1] != "\\":
            quoted = not quoted
        if not quoted and c in "({[":
            depth += 1
        elif not quoted and c in ")}]":
            depth -= 1
        if c == "," and depth == 0 and not quoted:
            out.append(cur.strip())
            cur = ""
        else:
            cur += c
    return out + ([cur.strip()] if cur.strip() else [])


def check_routes(path, text, code):
    for m in re.finditer(r"\bstruct\s+route\s+\w+\s*\[[^\]]*\]\s*=\s*\{", code):
        end = braces(code, m.end() - 1)
        at = m.end()
        while True:
            start = code.find("{", at, end - 1)
            if start < 0:
                break
            at = braces(code, start)
            row = re.sub(r"/\*.*?\*/", " ", text[start + 1:at - 1], flags=re.S)
            f = fields(row)
            named = dict(m.groups() for m in (re.match(r"\.(\w+)\s*=\s*(.*)", x, re.S) for x in f) if m)
            method = named.get("method", f[0] if f else "")
            realm = named.get("realm", f[2] if len(f) > 2 else "")
            token = named.get("has_token", f[6] if len(f) > 6 and not f[6].startswith(".") else "false")
            line = line_at(text, start)
            if method in ('"POST"', '"PUT"', '"PATCH"', '"DELETE"') and \
                    realm in ("REALM_STAFF", "REALM_GUEST") and token != "true":
                finding(path, line, "a write without has_token: every state change carries a token")
            if method == '"GET"' and token == "true":
                finding(path, line, "a GET with has_token: a page is not a state change")


# --- all of it ----------------------------------------------------------------------------------------------
def tree_files():
    """What git knows or would add; without git, what is there."""
    try:
        git = ["git", "ls-files", "-co", "--exclude-standard"]
        out = subprocess.run(git, capture_output=True, text=True, check=True)
        names = out.stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        names = [os.path.join(d, f)[2:] for d, _, fs in os.walk(".") for f in fs]
        names = [n for n in names if not n.startswith("build/")]
    return sorted(n for n in names if n and os.path.isfile(n))


def main():
    known, used = read_po(sys.argv[1]), set()
    for path in tree_files():
        product = path.startswith(("app/", "db/", "certs/"))
        if path.startswith("tests/data/") or path.startswith("tests/fuzz/corpus/"):
            continue
        is_c = path.endswith((".c", ".h"))
        if not (is_c or path.endswith((".py", ".sh", ".sql", ".mustache", ".html"))):
            continue
        try:
            text = open(path, encoding="utf-8").read()
        except UnicodeDecodeError:
            finding(path, 1, "not UTF-8")
            continue
        if path.endswith((".mustache", ".html")):
            if product:
                check_template(path, text, known)
                used.update(re.findall(r"\{\{#_\}\}(.*?)\{\{/_\}\}", text, re.S))
            continue
        check_layout(path, text)
        if path.startswith("migrations/") and SQL_CLOCK.search(re.sub(r"--[^\n]*", "", text)):
            finding(path, 1, "SQL has no clock here: times come from the program")
        if is_c and product:
            code, strings = split_c(text)
            check_includes(path, text)
            check_calls(path, code)
            check_strings(path, text, code, strings)
            check_words(path, text, code, strings, known)
            used.update(used_words(path, text, code, strings))
            check_routes(path, text, code)
    check_unused(used)
    for f in findings:
        print(f)
    if findings:
        print(f"check: {len(findings)} finding(s)", file=sys.stderr)
    sys.exit(1 if findings else 0)


main()
