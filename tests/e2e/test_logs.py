"""What the log tells, to whom, how loud, and never: files by subject, levels while it runs, nothing secret."""
import json
import os
import re
import signal

import pytest

from house import binary, request, wait_until

MORNING = "2025-09-08T08:30:00-05:00"


def lines(house, subject):
    path = house.state / "log" / f"{subject}.log"
    return path.read_text().splitlines() if path.exists() else []


def test_each_subject_has_its_file_and_every_line_of_a_request_its_number(village):
    house = village.house({"log.files": "yes"})
    house.serve(now=MORNING)
    house.api.service()
    request(house.address, "POST", "/login", "name=ana&password=wrong",
            {"Content-Type": "application/x-www-form-urlencoded"})
    house.stop()
    assert any(" app server.ready " in line for line in lines(house, "app"))
    asked = [line for line in lines(house, "access") if "path=/api/v1/services" in line or "path=/services" in line]
    assert asked and all(re.search(r" request=[0-9a-f]{8}( |$)", line) for line in asked)
    security = [line for line in lines(house, "security") if "login" in line]
    assert security and all(" request=" in line for line in security), lines(house, "security")
    # stderr has all of them, and no file has a line of another subject
    for subject in ("app", "access", "security"):
        assert lines(house, subject) and all(line.split(" ")[2] == subject for line in lines(house, subject))
        assert all(line in house.log() for line in lines(house, subject))


def test_the_level_of_one_subject_changes_while_the_house_runs(village):
    house = village.house({"log.files": "yes"})
    house.serve(now=MORNING)
    assert house.run("log", "level", json_out=True)["access"] == "info"
    request(house.address, "GET", "/login")
    assert not any("path=/login" in line for line in lines(house, "access"))
    assert house.run("log", "level", "access", "debug", json_out=True) == {
        **dict.fromkeys("app jobs outbox calendars payments security errors".split(), "info"), "access": "debug"}
    request(house.address, "GET", "/login")
    wait_until(lambda: any("path=/login" in line for line in lines(house, "access")), "the request in the log")
    house.run("log", "level", "error")
    assert set(house.run("log", "level", json_out=True).values()) == {"error"}
    before = len(lines(house, "access"))
    house.api.service()
    assert len(lines(house, "access")) == before
    assert house.call("log", "level", "nonsense", "debug").returncode == 2
    assert house.call("log", "level", "access", "loud").returncode == 2
    assert house.call("config", "set", "log.levels", "access:debug").returncode == 2


def test_whoever_renames_a_file_and_says_so_gets_a_new_one(village):
    house = village.house({"log.files": "yes"})
    house.serve(now=MORNING)
    wait_until(lambda: lines(house, "app"), "the first lines")
    (house.state / "log" / "app.log").rename(house.state / "log" / "app.kept")
    house.server.send_signal(signal.SIGHUP)
    wait_until(lambda: any("settings.reloaded" in line for line in lines(house, "app")), "a new file")
    assert "server.ready" in (house.state / "log" / "app.kept").read_text()
    assert "server.ready" not in (house.state / "log" / "app.log").read_text()


def test_programs_may_have_each_line_as_json(village):
    house = village.house({"log.files": "yes", "log.format": "json"})
    house.serve(now=MORNING)
    house.api.service()
    house.stop()
    rows = [json.loads(line) for line in lines(house, "access") + lines(house, "app")]
    assert {"at", "level", "subject", "event"} <= set(rows[0]) and any(row.get("status") == "201" for row in rows)


@pytest.mark.skipif(not os.environ.get("RECADO_DEBUG_BIN"), reason="only a test build has small files")
def test_a_full_file_moves_up_and_the_oldest_goes(village, monkeypatch):
    monkeypatch.setenv("RECADO_BIN", os.environ["RECADO_DEBUG_BIN"])
    monkeypatch.setenv("RECADO_LOG_BYTES", "2000")
    assert binary() == os.environ["RECADO_DEBUG_BIN"]
    house = village.house({"log.files": "yes", "log.level": "debug"})
    house.serve(now=MORNING)
    for _ in range(150):
        request(house.address, "GET", "/login")
    wait_until(lambda: (house.state / "log" / "access.log.4").exists(), "the fourth older file")
    house.stop()
    found = sorted(path.name for path in (house.state / "log").glob("access.log*"))
    assert found == ["access.log", "access.log.1", "access.log.2", "access.log.3", "access.log.4"]
    assert all((house.state / "log" / name).stat().st_size <= 2000 for name in found)


def test_a_folder_of_an_old_installation_means_files_are_wanted(village):
    house = village.house()
    (house.folder / "old.env").write_text("LOG_DIR=/var/log/app\nLOG_LEVEL=WARNING\n")
    house.run("config", "import", house.folder / "old.env")
    assert house.run("config", "get", "log.files") == "yes\n" and house.run("config", "get", "log.level") == "warn\n"
