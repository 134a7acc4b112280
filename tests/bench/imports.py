"""Taking 100,000 customers in from a CSV file, against the sqlite3 shell's `.import` of the same file.

The file has every column of the table, as the table would hold it; the shell takes all of them as they are, ours takes
what a person may set, checks it, and makes the rest itself (search text, order, number as dialled, ids, history). The
shell's table has the same columns and the same entries in the same indexes; only `id` and `archived_at` are not columns
of it, because a file cannot say NULL. Both write through a WAL with synchronous=FULL.
"""
import json
import random
import re
import statistics
import subprocess
import threading
import time
import uuid

import data
import house

CUSTOMERS = 100_000
OTHERS = 4                      # people at the panel while somebody imports
GIVEN, SURNAMES = data.GIVEN, data.SURNAMES
COLUMNS = ("clave", "given_names", "surnames", "email", "phone", "phone_original", "phone_kind", "address", "born_on",
           "notes", "is_active", "quien", "generation", "created_at", "updated_at", "sort_name", "search")


def customers(path, count):
    dice = random.Random(3)
    with open(path, "w", encoding="utf-8") as out:
        out.write(",".join(COLUMNS) + "\r\n")
        for n in range(count):
            given, last = dice.choice(GIVEN), f"{dice.choice(SURNAMES)} {n:06}"
            phone, mail = f"+593{980000000 + n}", f"c{n}@example.com"
            clave = "".join(dice.choices("abcdefghijklmnopqrstuvwxyz234567", k=26))
            out.write(",".join((clave, given, last, mail, phone, phone, "mobile", f"Calle {n % 500} y Av. {n % 77}",
                                f"19{50 + n % 50}-0{1 + n % 9}-1{n % 9}", "", "1", "1", "7", "1795366800000", "1795366800000",
                                data.fold(f"{last} {given}"), data.fold(f"{given} {last} {phone} {mail}"))) + "\r\n")


def shell_script(made, csv):
    """The table and its indexes as the appliance has them, without the two columns that a file cannot fill."""
    ddl = [sql for sql, in made.sql("SELECT sql FROM sqlite_schema WHERE tbl_name = 'client' AND sql IS NOT NULL"
                                    " ORDER BY type DESC")]
    lines = ["PRAGMA journal_mode=WAL;", "PRAGMA synchronous=FULL;"]
    for sql in ddl:
        if re.search(r"ON client \(archived_at", sql):
            continue    # has no entries: nobody is archived
        sql = re.sub(r"\bid\s+INTEGER PRIMARY KEY,", "", sql)
        sql = re.sub(r"\s*archived_at INTEGER,?", "", sql)
        sql = re.sub(r"REFERENCES user \(id\)", "", sql)
        sql = re.sub(r"archived_at IS NULL AND ", "", sql)
        sql = re.sub(r" WHERE archived_at IS NULL", "", sql)
        sql = re.sub(r"\(id\)", "(generation)", sql)
        sql = re.sub(r", id\b", "", sql)
        lines.append(sql + ";")
    return "\n".join(lines) + f"\n.timer on\n.import --csv --skip 1 {csv} client\nSELECT count(*) FROM client;\n"


def shell_seconds(shell, made, csv, round_):
    path = made.folder / f"peer-{round_}.db"
    script = shell_script(made, csv)
    empty = script.split(".timer")[0]
    subprocess.run([shell, str(path)], input=empty, capture_output=True, text=True, check=True)
    began = time.monotonic()
    done = subprocess.run([shell, str(path)], capture_output=True, text=True, check=True,
                          input="PRAGMA synchronous=FULL;\n.import --csv --skip 1 " + str(csv) + " client\nSELECT count(*) FROM client;\n")
    took = time.monotonic() - began
    if int(done.stdout.split()[-1]) != CUSTOMERS or done.stderr:
        raise RuntimeError(f"the shell took in {done.stdout.strip()}: {done.stderr[:200]}")
    path.unlink()
    return took


def send(made, token, csv):
    mark = uuid.uuid4().hex
    body = (f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="c.csv"\r\n\r\n').encode() \
        + csv.read_bytes() + f"\r\n--{mark}--\r\n".encode()
    reply = house.request(made.address, "POST", "/api/v1/clients/import", body,
                          {"Authorization": "Bearer " + token, "Content-Type": f"multipart/form-data; boundary={mark}"})
    if reply.status != 202:
        raise RuntimeError(f"upload: {reply}")
    return reply.json["id"]


def settled(made, token, import_id, what, watch=lambda: None):
    while True:
        watch()
        now = house.request(made.address, "GET", f"/api/v1/imports/{import_id}", None, {"Authorization": "Bearer " + token}).json
        if now["state"] == what:
            return now
        if now["state"] not in ("reading", "committing"):
            raise RuntimeError(f"the import is {now['state']}: {now['error']}")
        time.sleep(0.02)


def our_seconds(made, token, csv, watch=lambda: None):
    """From the first byte of the upload to the last row of history; judging and taking in apart."""
    began = time.monotonic()
    import_id = send(made, token, csv)
    look = settled(made, token, import_id, "preview", watch)
    judged = time.monotonic()
    if (look["rows_new"], look["rows_wrong"]) != (CUSTOMERS, 0):
        raise RuntimeError(f"not all rows are good: {json.dumps(look)[:500]}")
    house.request(made.address, "POST", f"/api/v1/imports/{import_id}/confirm", "{}",
                  {"Authorization": "Bearer " + token, "Content-Type": "application/json"})
    settled(made, token, import_id, "done", watch)
    return time.monotonic() - began, judged - began, time.monotonic() - judged


def a_house(bench, village):
    made = village.house()
    made.run("renewals", "run", "--dry-run")
    made.serve()
    return made, made.panel(), made.token()


def imports(report, build, bench, rounds=3):
    shell = bench.sqlite_shell(build)
    ours, peer, peaks = [], [], []
    for n in range(rounds):
        with bench.Place() as village:
            made, panel, token = a_house(bench, village)
            csv = made.folder / "clientes.csv"
            customers(csv, CUSTOMERS)
            peer.append(shell_seconds(shell, made, csv, n))
            pid, own = made.server.pid, []
            program = bench.memory_kb(pid, "RssFile")
            ours.append(our_seconds(made, token, csv, lambda: own.append(bench.memory_kb(pid, "RssAnon"))))
            peaks.append((max(own) + program, bench.memory_kb(pid, "VmHWM")))
    total, judge, commit = min(ours)
    report.add("import of 100,000 customers, CSV", total, min(peer), "the shell's .import of the same file", 5.0, "s",
               note=f"judging {judge:.2f} s, taking in {commit:.2f} s")
    # The upload is a mapped file that is read through: the system takes its pages back whenever it wants them.
    peak, with_upload = max(peaks)
    report.add("memory at work, with that import", peak / 1024, 48.0, "the limit", 1.0, "MB",
               note=f"looked at every 20 ms; with the mapped upload {with_upload / 1024:.0f} MB at its highest")
    others_meanwhile(report, build, bench)


def others_meanwhile(report, build, bench):
    """What others at the panel wait for while somebody imports, from the upload to the last row of history."""
    quiet, busy = [], []
    with bench.Place() as village:
        made, panel, token = a_house(bench, village)
        csv = made.folder / "clientes.csv"
        customers(csv, CUSTOMERS)
        bench.load(build, made, panel, "/services", OTHERS, 0.5)
        quiet = [bench.load(build, made, panel, "/services", OTHERS, 1)["p99_us"] for _ in range(3)]
        over = threading.Event()

        def work():
            try:
                our_seconds(made, token, csv)
            finally:
                over.set()
        worker = threading.Thread(target=work)
        worker.start()
        while not over.is_set():
            busy.append(bench.load(build, made, panel, "/services", OTHERS, 0.5)["p99_us"])
        worker.join()
    report.add(f"/services, {OTHERS} others, p99 while one imports", statistics.median(busy) / 1000,
               statistics.median(quiet) / 1000, "its own when quiet", 3.0, "ms")
