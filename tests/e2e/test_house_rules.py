"""The source checker finds what it was written to find, and leaves good code alone."""
import pathlib
import subprocess
import sys

import pytest

CHECK = pathlib.Path(__file__).resolve().parents[2] / "etc/build/check.py"
TOP = "/*\n** x.c -- an example.\n*/\n"
PO = 'msgid ""\nmsgstr ""\n\nmsgid "Save"\nmsgstr "Guardar"\n'


def check(folder, files):
    """Run the checker over a made-up tree; returns (exit code, what it said)."""
    (folder / "es.po").write_text(PO)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    run = subprocess.run([sys.executable, str(CHECK), "es.po"], cwd=folder, capture_output=True, text=True,
                         env={"PATH": "/usr/bin:/bin", "GIT_CEILING_DIRECTORIES": str(folder.parent)})
    return run.returncode, run.stdout


GOOD = TOP + """#include "base/sb.h"
#include "db/db.h"
#include <string.h>
const char *f(struct cx *cx, const char *name)
{
	/* strcpy() and SELECT '%s' are only spoken of here */
	log_text("a system (of rules) for %s", name);
	x->time(NULL, 0);
	return _("Save");
}
"""


def test_good_code_passes(tmp_path):
    assert check(tmp_path, {"app/work/x.c": GOOD}) == (0, "")


def route(text):
    return TOP + "const struct route r[] = {\n\t{ " + text + " },\n\t{ NULL },\n};\n"


BAD = [
    ("a room below uses one above", "app/base/x.c", TOP + '#include "db/db.h"\n', "base may not use db"),
    ("rooms of one floor meet", "app/work/x.c", TOP + '#include "link/http.h"\n', "work may not use link"),
    ("modules meet", "app/renewals/x.c", TOP + '#include "stays/stays.h"\n', "renewals may not use stays"),
    ("the stand-in looks into web", "app/standin/x.c", TOP + '#include "web/web.h"\n', "standin may not"),
    ("a lower room looks modules up", "app/web/x.c", TOP + '#include "module.h"\n', "lies below module.h"),
    ("SQLite outside db", "app/work/x.c", TOP + "#include <sqlite3.h>\n", "db is the only door"),
    ("curl outside link", "app/outbox/x.c", TOP + "#include <curl/curl.h>\n", "link is the only door"),
    ("a second web server", "app/ops/x.c", TOP + "#include <microhttpd.h>\n", "only door in"),
    ("TLS anywhere", "app/work/x.c", TOP + "#include <mbedtls/ssl.h>\n", "base/seal, link and certs only"),
    ("a banned call", "app/work/x.c", TOP + "void f(void)\n{\n\tstrcpy (a, b);\n}\n", ":6: strcpy()"),
    ("the machine's clock", "app/work/x.c", TOP + "int t = time(NULL);\n", "time() is banned"),
    ("a body that curl repeats", "app/link/x.c", TOP + "int o = CURLOPT_POSTFIELDS;\n", "POSTFIELDS"),
    ("SQL glued together", "app/work/x.c", TOP + 'char *s = "SELECT a"\n\t" FROM %s";\n', "%s inside SQL"),
    ("HTML glued together", "app/web/x.c", TOP + 'char *s = "<b>%s</b>";\n', "%s inside HTML"),
    ("a clock inside SQL", "app/work/x.c", TOP + "char *s = \"date('now')\";\n", "SQL has no clock"),
    ("a clock inside a migration", "migrations/1_x.sql", "-- x\nSELECT date('now');\n", "SQL has no clock"),
    ("no comment on top", "app/work/x.c", "int x;\n", "starts with a comment"),
    ("a long line", "app/work/x.c", TOP + "/* " + "x" * 108 + " */\n", "the limit is 110"),
    ("a reminder", "app/work/x.c", TOP + "/* TO" "DO later */\n", "no reminders"),
    ("a word without Spanish", "app/work/x.c", TOP + 'char *s = N_("Save"\n\t" it");\n', "'Save it'"),
    ("a page's word without Spanish", "app/web/pages/x.mustache", "{{#_}}Hello{{/_}}\n", "'Hello'"),
    ("a page with an inline script", "app/web/pages/x.mustache", '<p onclick="x()">\n', "nothing inline"),
    ("a write without token", "app/web/x.c", route('"POST", "/x", REALM_STAFF, NULL, ROUTE_DB, 0, false'),
     "without has_token"),
    ("a read with token", "app/web/x.c", route('"GET", "/x", REALM_STAFF, NULL, ROUTE_DB, 0, true'),
     "not a state change"),
    ("a named write without token", "app/web/x.c",
     route('.method = "POST", .path = "/x", .realm = REALM_STAFF'), "without has_token"),
]


@pytest.mark.parametrize("name,path,text,said", BAD, ids=[b[0] for b in BAD])
def test_is_found(tmp_path, name, path, text, said):
    code, out = check(tmp_path, {path: text})
    assert code == 1 and said in out


@pytest.mark.parametrize("row", [
    '"POST", "/hook", REALM_HOOK, NULL, ROUTE_DB, 0, false',
    '"POST", "/login", REALM_OPEN, NULL, ROUTE_DB, 0, false',
    '"POST", "/x", REALM_STAFF, "x.edit", ROUTE_DB, KB(4), true',
    '"GET", "/x,y", REALM_STAFF, NULL, ROUTE_DB, 0, false',
    '.method = "POST", .path = "/x", .realm = REALM_STAFF, .has_token = true'])
def test_a_proper_route_passes(tmp_path, row):
    assert check(tmp_path, {"app/web/x.c": route(row)}) == (0, "")
