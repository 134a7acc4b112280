"""Nothing grows for ever without a reason, and what goes, goes in time: no table is forgotten."""
import json
import re
import sqlite3

import pytest

from house import text_of, wait_until

DAY = 86400_000
MORNING = "2025-09-08T08:30:00-05:00"


@pytest.fixture
def house(village):
    return village.house()


def tables(house):
    return house.run("tables", json_out=True)["tables"]


def write(house, *statements):
    line = sqlite3.connect(house.state / "recado.db")
    for text, *values in statements:
        line.execute(text, values)
    line.commit()
    line.close()


def test_every_table_is_kept_for_a_reason_or_cleaned_in_time(house):
    there = {name for name, in house.sql("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")}
    told = {row["name"]: row["rule"] for row in tables(house)}
    assert there - set(told) == set(), "say in app/ops/growth_tables.c why it is kept or when it goes"
    assert set(told) - there == set()
    for name in ("client", "subscription", "payment", "subscription_period", "notice", "contact", "opt_out"):
        assert told[name].startswith("se guarda siempre: "), name


def test_what_only_tells_how_something_went_goes_after_its_days(house):
    house.serve(now=MORNING)
    house.api.subscription(house.api.client("Ana", "+593989000001"), house.api.service(), "2025-09-08",
                           starts_on="2025-08-09")
    house.run_today()
    house.stop()
    old, young = 1_700_000_000_000, 1_757_000_000_000          # November 2023, September 2025
    write(house, ("INSERT INTO audit (at, actor, action, table_name, row_id) VALUES (?, 'x', 'edit', 'client', 1)", old),
          *[("INSERT INTO login_throttle VALUES (?, 1, ?, 0)", f"key {i}", old) for i in range(1200)],   # three slices
          ("INSERT INTO idempotency VALUES ('k', 'a', 's', 200, '', '', ?)", old),
          ("INSERT INTO process_run (version, started_at, heartbeat_at) VALUES ('0', ?, ?)", old, old),
          *[("INSERT INTO sample VALUES (?, ?, 1, 0, 0, 0, 0)", step, at)
            for step in ("minute", "hour", "day") for at in (old - 1000 * DAY, young)],
          ("UPDATE process_run SET id = id + 100 WHERE started_at > ?", old))
    kept = {row["name"]: row["rows"] for row in tables(house)}
    house.serve(now="2025-09-09T04:10:30-05:00")               # the night's cleaning is due
    wait_until(lambda: house.sql("SELECT count(*) FROM job WHERE kind = 'watch.clean' AND state = 'done'") == [(1,)],
               "the cleaning")
    job, = house.sql("SELECT id FROM job WHERE kind = 'watch.clean'")
    wait_until(lambda: re.search(rf" watch.cleaned .* job={job[0]}$", house.log(), re.M), "its line, which names the job")
    # the history stays, and so do money and what was told
    assert house.sql("SELECT count(*) FROM audit WHERE at = ?", old) == [(1,)]
    for table in ("login_throttle", "idempotency"):
        assert house.sql(f"SELECT count(*) FROM {table}") == [(0,)], table
    assert house.sql("SELECT count(*) FROM process_run WHERE started_at = ?", old) == [(0,)]
    assert house.sql("SELECT step FROM sample WHERE at < ?", old) == []
    assert {step for step, in house.sql("SELECT step FROM sample WHERE at = ?", young)} == {"hour", "day"}
    now = {row["name"]: row["rows"] for row in tables(house)}
    for name in ("client", "subscription", "notice", "message", "contact", "payment"):
        assert now[name] >= kept[name] > -1, name
    assert kept["notice"] == 1 == now["notice"]
    page = text_of(house.panel().page("/watch"))
    assert "Historia de cambios" in page and "se guarda siempre: es dinero" in page


def test_a_file_that_was_imported_goes_with_its_job_and_what_a_copy_elsewhere_is_found_by_stays(house):
    house.serve(now=MORNING)
    house.api.service("Netflix")
    house.import_csv("nombre,telefono,servicio,vence\nAna,0989000001,Netflix,2025-10-01\nBea,,Netflix,nunca\n", "--commit", code=3)
    house.import_csv("nombre,telefono,servicio,vence\nEva,0989000002,Netflix,2025-10-01\n")
    house.stop()
    assert house.sql("SELECT count(*) FROM file WHERE archived_at IS NULL") == [(3,)]        # and what was wrong in it
    note = "INSERT INTO backup (public_id, name, origin, state, started_at, remote) VALUES (?, ?, 'schedule', 'removed', 1, ?)"
    write(house, ("INSERT INTO file (public_id, sha256, size, name, media_type, owner_table, created_at) SELECT 'own', sha256,"
                  " size, name, media_type, 'sender', created_at FROM file LIMIT 1",),
          (note, "a", "a", "recado/a"), (note, "b", "b", ""),
          ("UPDATE import SET state = 'preview', finished_at = NULL WHERE rows_total = 1",))   # looked at, and left
    for now, left, jobs in (("2025-12-06T04:10:30-05:00", 4, 3), ("2025-12-09T04:10:30-05:00", 2, 1),
                            ("2026-03-12T04:10:30-05:00", 1, 0)):
        house.serve(now=now)
        for kind in ("watch.clean", "work.clean"):
            # refused while it runs by itself
            wait_until(lambda k=kind: house.call("schedules", "run", k, "--wait").returncode == 0, kind)
        assert house.sql("SELECT count(*) FROM file WHERE archived_at IS NULL") == [(left,)], now
        assert house.sql("SELECT count(*) FROM job WHERE kind LIKE '%import%'") == [(jobs,)], now
        house.stop()
    assert house.sql("SELECT name FROM backup WHERE started_at = 1") == [("a",)]
    assert house.sql("SELECT rows_total, state, error_file_id FROM import") == [(2, "done", None), (1, "dropped", None)]


def test_texts_evidence_and_attachments_are_emptied_and_the_occasion_stays(house):
    house.serve(now=MORNING)
    house.api.subscription(house.api.client("Ana", "+593989000001"), house.api.service(), "2025-09-08",
                           starts_on="2025-08-09")
    house.run_today()
    before, = house.sql("SELECT occasion, state FROM message")
    house.stop()
    write(house, ("UPDATE message SET subject = 's', html = '<p>h</p>'",), ("UPDATE attempt SET detail = 'evidence'",))
    house.serve(now="2026-10-01T03:40:30-05:00")
    wait_until(lambda: house.sql("SELECT count(*) FROM message WHERE html IS NOT NULL") == [(0,)], "the emptying")
    wait_until(lambda: house.sql("SELECT count(*) FROM attempt WHERE detail = 'evidence'") == [(0,)], "the evidence")
    assert house.sql("SELECT body, variables_json, subject FROM message") == [(None, None, None)]
    after, = house.sql("SELECT occasion, state FROM message")
    assert after[0] == before[0] and house.sql("SELECT count(*) FROM attempt")[0][0] >= 1


def test_sizes_are_told_for_programs_and_people(house):
    report = house.run("tables", json_out=True)
    assert {row["name"] for row in report["folders"]} == {"files", "backups", "spool", "tmp", "log"}
    assert all(row["bytes"] >= 0 and row["rule"] for row in report["tables"]) and json.dumps(report)
    assert sum(row["bytes"] for row in report["tables"]) > 100_000
    assert "outbox.retention" in house.run("tables")
