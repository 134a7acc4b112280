"""What the house does by itself: seen, stopped, repeated, asked about; on the panel, the command line and the API."""
import contextlib
import os
import pty
import re
import sqlite3
import subprocess

import pytest

from house import Panel, Village, binary, text_of, wait_until

DAY = "2026-11-22T05:00:00-05:00"


@pytest.fixture(scope="module")
def village():
    with_all = Village()
    yield with_all
    with_all.close()


@pytest.fixture(scope="module")
def house(village):
    made = village.house()
    made.serve(now=DAY)
    yield made
    made.close()


@pytest.fixture(scope="module")
def owner(house):
    return house.panel("ana", lang="en")


def schedule(house, name):
    return next(s for s in house.api.all("schedules") if s["name"] == name)


def row_id(house):
    return schedule(house, "renewals.expiry")["id"]


def jobs_of(house, name, **more):
    found = [j for j in house.api.all("jobs") if j["schedule"] == name]
    return [j for j in found if all(j[k] == v for k, v in more.items())]


def write(house, sql, *values):
    """What no door does: rows as a bad week leaves them. The server must be down."""
    assert house.server is None
    with sqlite3.connect(house.state / "recado.db") as line:
        line.execute(sql, values)
    line.close()


def test_a_schedule_tells_its_next_times_and_runs_when_somebody_presses(house, owner):
    path = f"/schedules/{schedule(house, 'ops.sweep')['id']}"
    page = text_of(owner.page(path))
    assert "Remove files nobody needs" in page
    assert "23/11/2026 04:10" in page and "27/11/2026 04:10" in page and "28/11/2026" not in page
    page = text_of(owner.post(path + "/run"))
    assert "It runs now, as job" in page and "Last runs" in page
    job = wait_until(lambda: jobs_of(house, "ops.sweep", state="done"), "the sweep")[0]
    assert job["created_by"] == "ana" and job["due_at"] is None and not job["is_late"]
    assert "Made by the schedule Remove files nobody needs" in text_of(owner.page(f"/jobs/{job['id']}"))
    listed = text_of(owner.page("/schedules"))
    assert "Remove files nobody needs" in listed and "done" in listed
    # What is due later is due all the same.
    assert schedule(house, "ops.sweep")["next_due_at"] == "2026-11-23T09:10:00.000Z"


def test_a_paused_schedule_says_who_when_and_why_and_counts_again_from_now_on(house, owner):
    path = f"/schedules/{schedule(house, 'ops.sweep')['id']}"
    assert "none of its times counts" in text_of(owner.page(path + "/pause"))
    page = text_of(owner.post(path + "/pause", reason="disk is being changed"))
    assert "Paused because disk is being changed" in page and "Paused by ana" in page
    row = schedule(house, "ops.sweep")
    assert row["state"] == "paused" and row["paused_by"] == "ana"
    wait_until(lambda: schedule(house, "ops.sweep")["next_due_at"] is None, "the plan to go")
    refused = owner.send("POST", path + "/pause", {"csrf": owner.csrf()})
    assert refused.status == 409
    owner.post(path + "/resume")
    wait_until(lambda: schedule(house, "ops.sweep")["next_due_at"] == "2026-11-23T09:10:00.000Z", "the plan")
    history = text_of(owner.page(path + "/history"))
    assert "disk is being changed" in history and "resumed" in history


def test_an_edited_rule_can_be_put_back_and_the_hour_of_a_setting_is_changed_in_the_settings(house, owner):
    row = schedule(house, "ops.sweep")
    path = f"/schedules/{row['id']}"
    form = {"rule": "15 6 * * 1-5", "zone": "America/New_York", "is_enabled": "1", "late_rule": "run", "late_limit_s": "600"}
    page = text_of(owner.post(path + "/edit", **form))
    assert "23/11/2026 06:15" in page and "America/New_York" in page and "Put back the default" in page
    wait_until(lambda: schedule(house, "ops.sweep")["next_due_at"] == "2026-11-23T11:15:00.000Z", "the new plan")
    owner.post(path + "/reset")
    row = schedule(house, "ops.sweep")
    assert (row["rule"], row["late_rule"], row["late_limit_s"]) == ("10 4 * * *", "skip", 3600)
    assert "Put back the default" not in text_of(owner.page(path))
    house.run("schedules", "set", "ops.sweep", "zone", "")
    daily = schedule(house, "renewals.daily")
    reply = house.api.call("PATCH", f"schedules/{daily['id']}", {"rule": "0 7 * * *"})
    assert reply.status == 400 and "renewals.time" in reply.text
    house.set("renewals.time", "18:30")
    wait_until(lambda: schedule(house, "renewals.daily")["next_due_at"] == "2026-11-22T23:30:00.000Z", "the new hour")


def test_a_rule_is_picked_rather_than_written_and_its_times_are_seen_before_saving(house, owner):
    path = f"/schedules/{schedule(house, 'ops.sweep')['id']}"
    page = owner.page(path + "/edit")
    assert 'value="daily" checked' in page and 'name="daily_at" value="04:10"' in page
    form = {"pick": "weekdays", "daily_at": "04:10", "weekdays_at": "06:15", "every_min": "30", "rule": "10 4 * * *",
            "zone": "", "is_enabled": "1", "late_rule": "skip", "late_limit_s": "3600"}
    look = owner.send("POST", path + "/edit", {"csrf": owner.csrf(), "_look": "1", **form})
    assert look.status == 200 and 'value="weekdays" checked' in look.text
    assert "23/11/2026 06:15" in look.text and "27/11/2026 06:15" in look.text and "28/11/2026" not in look.text
    assert schedule(house, "ops.sweep")["rule"] == "10 4 * * *"                # a look saves nothing
    for name, value, words in (("every_min", "0", "from 1 to 1440"), ("daily_at", "25:00", "like 09:30"),
                               ("rule", "often", "A rule is a cron line")):
        pick = {"every_min": "every", "daily_at": "daily", "rule": "written"}[name]
        for more in ({}, {"_look": "1"}):
            wrong = owner.send("POST", path + "/edit", {"csrf": owner.csrf(), **form, **more, "pick": pick, name: value})
            assert wrong.status == 422 and words in text_of(wrong.text) and f'value="{value}"' in wrong.text, (name, more)
    for more, rule in (({}, "15 6 * * 1-5"), ({"pick": "every", "every_min": "45"}, "every 45 min"),
                       ({"pick": "written", "rule": "0 5 1 * *"}, "0 5 1 * *"), ({"pick": "daily"}, "10 4 * * *")):
        owner.post(path + "/edit", **{**form, **more})
        assert schedule(house, "ops.sweep")["rule"] == rule
    daily = owner.page(f"/schedules/{schedule(house, 'renewals.daily')['id']}/edit")
    assert 'name="pick"' not in daily and "renewals.time" in daily             # that hour is a setting


def test_a_missed_time_that_asks_runs_late_with_a_yes_and_never_with_a_no(village):
    house = village.house()
    house.serve(now="2026-11-22T03:00:00-05:00")
    house.run("schedules", "set", "ops.sweep", "late_rule", "ask")
    house.run("schedules", "set", "ops.sweep", "late_limit", 86400)
    house.stop()
    house.serve(now="2026-11-22T09:30:00-05:00")
    owner = house.panel("ana", lang="en")
    asked = wait_until(lambda: jobs_of(house, "ops.sweep", state="cancelled"), "the question")
    assert asked[0]["is_late"] and asked[0]["due_at"] == "2026-11-22T09:10:00.000Z"
    page = text_of(owner.page("/schedules"))
    assert "the program was not running at 22/11/2026 04:10" in page
    path = f"/schedules/{schedule(house, 'ops.sweep')['id']}"
    assert "Should it still run" in text_of(owner.page(path))
    assert "Missed, asks you" in text_of(owner.page("/"))
    assert "marked late" in text_of(owner.post(path + "/late-yes"))
    done = wait_until(lambda: jobs_of(house, "ops.sweep", state="done"), "the late run")[0]
    assert done["id"] == asked[0]["id"] and done["is_late"]
    assert "Should it still run" not in text_of(owner.page(path))
    house.stop()
    house.serve(now="2026-11-23T09:30:00-05:00")
    wait_until(lambda: jobs_of(house, "ops.sweep", state="cancelled"), "the second question")
    owner = Panel(house, "ana", lang="en")      # a day later the session is over
    assert "Left out" in text_of(owner.post(path + "/late-no"))
    left = next(j for j in jobs_of(house, "ops.sweep", state="cancelled") if j["note"] == "Perdida; ana decidió omitirla.")
    assert "Missed; ana decided to leave it out." in text_of(owner.page(f"/jobs/{left['id']}"))
    assert owner.send("POST", path + "/late-yes", {"csrf": owner.csrf()}).status == 409
    house.close()


def test_what_was_given_up_is_counted_everywhere_and_runs_again_or_is_discarded(village):
    house = village.house()
    house.run("jobs")
    for state, error in (("dead", "no line"), ("failed", "bad file"), ("dead", "no line again")):
        write(house, "INSERT INTO job (kind, queue, state, run_at, attempts, error, created_at, finished_at)"
              " VALUES ('ops.sweep', 'ops', ?, 1795340000000, 3, ?, 1795340000000, 1795340000000)", state, error)
    house.serve(now=DAY)
    owner = house.panel("ana", lang="en")
    home = owner.page("/")
    assert "Given up or failed" in text_of(home)
    assert re.search(r'href="/jobs"[^>]*>[^<]*Work[^<]*<[^>]*badge[^>]*>3<', re.sub(r"\s+", " ", home)), home
    listed = owner.page("/jobs?state=attention")
    ids = re.findall(r'name="ids" value="(\d+)"', listed)
    assert len(ids) == 3
    bad = house.api.get("jobs?state=failed")["data"][0]
    assert "will not be tried again" in text_of(owner.page(f"/jobs/{bad['id']}/discard"))
    page = text_of(owner.post(f"/jobs/{bad['id']}/discard", reason="the file was wrong"))
    assert "Discarded by ana: the file was wrong" in page
    dead = [i for i in ids if int(i) != int(bad["id"])]
    answer = owner.post("/jobs/actions/again", ids=dead)
    if 'name="confirmed"' in answer:
        answer = owner.post("/jobs/actions/again", ids=dead, confirmed="1", number=str(len(dead)))
    wait_until(lambda: len(house.api.get("jobs?state=done&kind=ops.sweep")["data"]) == 2, "both to run")
    assert house.api.get("jobs?state=attention")["data"] == []
    house.close()


def test_the_command_line_does_what_the_pages_do(house):
    run = house.run
    assert [r["queue"] for r in run("queues", json_out=True)] == [r["queue"] for r in house.api.get("queues")["data"]]
    times = run("schedules", "next", "renewals.expiry", "--count", "3", json_out=True)
    assert [t[:16] for t in times] == ["2026-11-23T00:05", "2026-11-24T00:05", "2026-11-25T00:05"]
    run("schedules", "set", "renewals.expiry", "zone", "America/New_York")
    run("schedules", "set", "renewals.expiry", "rule", "30 2 8-15 mar *")
    # 2:30 of the day on which the clocks go forward is its first instant after the gap
    assert "2027-03-14T03:00:00.000-04:00" in run("schedules", "next", "renewals.expiry", "--count", "8").split()
    assert "bounds" in house.call("schedules", "set", "renewals.expiry", "rule", "99 * * * *", lang="en").stderr
    run("schedules", "reset", "renewals.expiry")
    run("schedules", "set", "renewals.expiry", "zone", "")
    assert "Paused" in run("schedules", "pause", "renewals.expiry", "--reason", "quiet", lang="en")
    row = next(s for s in run("schedules", json_out=True) if s["name"] == "renewals.expiry")
    assert (row["state"], row["paused_by"], row["paused_why"]) == ("paused", "command", "quiet")
    run("schedules", "pause", "renewals.expiry", code=1)
    run("schedules", "resume", "renewals.expiry")
    house.api.post(f"schedules/{row_id(house)}/pause", reason="by a program")
    assert schedule(house, "renewals.expiry")["paused_why"] == "by a program"
    assert house.api.call("POST", f"schedules/{row_id(house)}/resume", {}).json["row"]["state"] == "active"
    job = run("schedules", "run", "work.clean", "--wait", json_out=True)
    assert job["state"] == "done" and job["kind"] == "work.clean"
    shown = run("jobs", "show", job["id"], json_out=True)
    assert shown["note"] == job["note"] and shown["created_by"] == "command"
    assert run("jobs", "--kind", "work.clean", "--state", "done", json_out=True)[0]["id"] == job["id"]
    run("jobs", "again", job["id"])
    wait_until(lambda: run("jobs", "show", job["id"], json_out=True)["state"] == "done", "the second run")
    run("jobs", "cancel", job["id"], code=1)
    run("jobs", "show", "none", code=2)
    run("schedules", "run", "nothing", code=1)


def test_what_a_job_says_is_on_its_page_and_on_the_command_line(house, owner):
    house.import_csv("nombres,telefono\nAna,0991234567\nLuis,0991234568\n", "--commit")
    (job,), (last,) = house.sql("SELECT DISTINCT job_id FROM job_line ORDER BY job_id")
    assert "El archivo está revisado: 2 filas nuevas" in house.run("jobs", "log", job)
    assert "El archivo está incorporado" in house.run("jobs", "log", last)
    data = house.api.get(f"jobs/{job}/log")["data"]
    assert data and data[0]["level"] == "info" and data[0]["said_at"].startswith("2026-11-22T")
    assert data[0]["text"].startswith("El archivo está revisado: 2 filas nuevas")
    said = "The file is judged: 2 new, 0 changed, 0 wrong rows."        # to each in her own language
    assert said in text_of(owner.page(f"/jobs/{job}/log"))
    assert said in text_of(owner.page(f"/jobs/{job}"))
    assert said in house.run("jobs", "log", job, lang="en")


def test_waiting_at_a_terminal_shows_a_bar_and_in_a_pipe_none(house):
    words = [binary(), "schedules", "run", "work.clean", "--wait", "--config", str(house.config)]
    leader, follower = pty.openpty()
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=follower, timeout=60)
    os.close(follower)
    seen = b""
    with contextlib.suppress(OSError):          # the end of a terminal that nobody writes to any more
        while piece := os.read(leader, 65536):
            seen += piece
    os.close(leader)
    assert done.returncode == 0 and b"[" in seen and seen.endswith(b"\r\x1b[K")
    piped = subprocess.run(words, capture_output=True, timeout=60)
    assert piped.returncode == 0 and b"\x1b" not in piped.stderr + piped.stdout


def test_the_limit_of_a_queue_is_a_setting_that_holds_at_once(house, owner):
    assert house.call("config", "set", "work.limits", "import=9").returncode == 2
    house.set("work.limits", "import=2, ops=3")
    wait_until(lambda: {q["queue"]: q["limit"] for q in house.api.get("queues")["data"]}["ops"] == 3, "the limit", 0.2)
    limits = {q["queue"]: (q["limit"], q["limit_usual"]) for q in house.api.get("queues")["data"]}
    assert limits["import"] == (2, 1) and limits["ops"] == (3, 1) and limits["house"] == (1, 1)
    assert "by setting; usually 1" in text_of(owner.page("/queues"))


def test_the_hour_that_comes_twice_runs_once_with_the_real_program(village):
    house = village.house()
    house.serve(now="2026-11-01T00:50:00-04:00")
    for name in ("ops.sweep", "work.clean"):
        house.run("schedules", "set", name, "zone", "America/New_York")
    house.run("schedules", "set", "ops.sweep", "rule", "30 1 * * *")
    house.run("schedules", "set", "work.clean", "rule", "30 1,2,3 * * *")
    for now, sweeps, cleans in (("2026-11-01T01:29:59-04:00", 1, 1), ("2026-11-01T01:29:59-05:00", 1, 1),
                                ("2026-11-01T02:29:59-05:00", 1, 2)):
        house.stop()
        house.serve(now=now)
        wait_until(lambda: (len(jobs_of(house, "work.clean")), len(jobs_of(house, "ops.sweep"))) == (cleans, sweeps),
                   f"the run of {now}")
    # Put back by a day: nothing of it comes again; put right: what is due next is.
    house.stop()
    house.serve(now="2026-10-31T10:00:00-04:00")
    wait_until(lambda: schedule(house, "ops.sweep")["next_due_at"] == "2026-11-01T05:30:00.000Z", "the plan")
    house.stop()
    house.serve(now="2026-11-01T01:29:59-04:00")
    wait_until(lambda: schedule(house, "ops.sweep")["next_due_at"] == "2026-11-02T06:30:00.000Z", "the next day's plan")
    assert len(jobs_of(house, "ops.sweep")) == 1
    house.close()
