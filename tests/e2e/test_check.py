"""recado check: each thing that can be wrong is made wrong, and the command it prints is run and mends it."""
import json
import os
import re
import sqlite3
import subprocess

import pytest

from house import PATIENCE, binary, wait_until

PLANTED = {"whatsapp.api_key": "planted-key-of-the-gateway", "whatsapp.webhook_secret": "planted-webhook-secret"}


@pytest.fixture
def house(village):
    return village.house(PLANTED)


def check(house, *words, code=None, env=None, **more):
    done = house.call("check", *words, json_out=True, env=env, **more)
    assert code is None or done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
    for secret in PLANTED.values():
        assert secret not in done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["is_well"] == (done.returncode == 0) == (report["totals"]["failed"] == 0)
    return {row["name"]: row for row in reversed(report["checks"])}


def run_remedy(house, row, stdin="", **env):
    """The printed command, in a shell that finds recado."""
    tools = house.folder / "bin"
    tools.mkdir(exist_ok=True)
    if not (tools / "recado").exists():
        (tools / "recado").symlink_to(binary())
    return subprocess.run(["sh", "-c", row["remedy"]], input=stdin, capture_output=True, text=True, timeout=PATIENCE,
                          cwd=house.folder, env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", **env})


def mends(house, name, state, stdin="", **env):
    """It is found wrong, its command runs, and it is found right."""
    row = check(house)[name]
    assert row["state"] == state, row
    done = run_remedy(house, row, stdin, **env)
    assert done.returncode == 0, f"{row['remedy']}\n{done.stdout}\n{done.stderr}"
    after = check(house)[name]
    assert after["state"] == "ok", after


def test_a_new_house_passes_and_a_wrong_word_is_wrong_usage(house):
    rows = check(house, code=0)
    assert {row["section"] for row in rows.values()} >= {"app", "database", "services", "deployment"}
    assert {name for name, row in rows.items() if row["state"] == "failed"} == set()
    assert "dns" not in rows and "ports" not in rows                       # offline nobody is asked
    for words in (["--fxi"], ["--env"], ["everything"], ["--fix=yes"]):
        assert house.call("check", *words).returncode == 2, words


def test_the_report_has_sections_totals_and_no_colour_in_a_pipe(house):
    text = house.run("check")
    assert [line for line in text.split("\n") if re.fullmatch(r"[A-ZÁÉÍÓÚ][a-záéíóú ]+", line)] == [
        "Aplicación", "Base de datos", "Servicios", "Integraciones", "Despliegue"]
    assert re.search(r"^Bien: \d+, fallos: 0, advertencias: \d+, para tu información: \d+\.$", text, re.M)
    assert "\033" not in text


def on_a_terminal(house, **env):
    """What a person at a terminal sees."""
    done = subprocess.run(["script", "-qec", f"{binary()} check --config {house.config}", "/dev/null"],
                          capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL,
                          env={**os.environ, **env})
    return done.stdout


def test_on_a_terminal_it_is_coloured_unless_somebody_wants_no_colour(house):
    assert "\033[32m" in on_a_terminal(house, NO_COLOR="")
    assert "\033[3" not in on_a_terminal(house, NO_COLOR="1")


def test_settings_that_cannot_be_read_are_a_failure_and_the_editor_is_the_remedy(house):
    good = house.config.read_text()
    house.config.write_text(good + "\n[web]\nlissten = 1\n")
    rows = check(house, code=1)
    assert list(rows) == ["settings"] and "web.lissten" in rows["settings"]["detail"]
    (house.folder / "good").write_text(good)
    editor = house.folder / "editor"
    editor.write_text(f'#!/bin/sh\ncp "{house.folder}/good" "$1"\n')
    editor.chmod(0o700)
    assert run_remedy(house, rows["settings"], EDITOR=str(editor)).returncode == 0
    assert check(house, code=0)["settings"]["state"] == "ok"


def test_what_others_can_read_is_closed_by_the_printed_command(house):
    house.config.chmod(0o640)
    mends(house, "settings", "failed")
    (house.state / "key").chmod(0o644)
    row = check(house, code=1)
    assert row["key"]["state"] == "failed" and row["rights"]["state"] == "failed"
    mends(house, "key", "failed")
    house.state.chmod(0o755)
    (house.state / "recado.db").chmod(0o664)
    mends(house, "rights", "failed")
    assert house.state.stat().st_mode & 0o77 == 0 and (house.state / "recado.db").stat().st_mode & 0o77 == 0


SETTINGS = [
    ("debug", "log.level", "debug", "warning"),
    ("hosts", "web.public_url", "http://localhost:8080", "warning"),
    ("placeholders", "whatsapp.base_url", "https://wa.example.com", "failed"),
    ("tls", "web.listen", "0.0.0.0:8080", "failed"),
    ("tls", "web.public_url", "http://panel.cine.ec", "failed")]


def test_settings_that_are_no_good_are_put_right(house):
    house.run("config", "set", *(word for _, setting, value, _ in SETTINGS[:4] for word in (setting, value)))
    rows = check(house, code=1)
    for name, setting, value, state in SETTINGS[:4]:
        assert rows[name]["state"] == state, rows[name]
        assert run_remedy(house, rows[name]).returncode == 0
    rows = check(house, code=0)
    assert {rows[name]["state"] for name, *_ in SETTINGS[:4]} <= {"ok", "info"}
    # http becomes https, and then the proxy has to be named: one step after the other
    house.set("web.public_url", "http://panel.cine.ec")
    row = check(house, code=1)["tls"]
    assert "https://panel.cine.ec" in row["remedy"] and run_remedy(house, row).returncode == 0
    row = check(house, code=1)["tls"]
    assert "web.proxies" in row["remedy"] and run_remedy(house, row).returncode == 0
    assert check(house, code=0)["tls"]["state"] == "ok"


def test_what_is_still_to_be_said_is_asked_for(village):
    house = village.house({"business.name": "Mi negocio"})
    mends(house, "needed", "warning", stdin="Cine en Casa\n")
    assert house.run("config", "get", "business.name") == "Cine en Casa\n"


def test_a_remedy_asks_for_what_only_the_owner_knows(village):
    house = village.house({"whatsapp.api_key": ""}, offline=False)
    row = check(house)["gateway"]
    assert row["state"] == "warning" and run_remedy(house, row, "the-key-of-ana\n").returncode == 0
    assert "the-key-of-ana" in house.config.read_text()
    row = check(house)["mail"]
    assert row["state"] == "info" and run_remedy(house, row, "mail.cine.ec\n").returncode == 0
    assert house.run("config", "get", "smtp.host") == "mail.cine.ec\n"


def test_a_star_for_any_name_is_refused(house):
    house.config.write_text(house.config.read_text() + "\n[web]\nhosts = *\n")
    row = check(house, code=1)["hosts"]
    assert row["state"] == "failed" and run_remedy(house, row).returncode == 0
    assert check(house)["hosts"]["state"] == "info"                        # no public address: that is only told


def test_missing_folders_and_a_missing_key_are_made_by_fix(house):
    (house.state / "spool").rmdir()
    mends(house, "workspace", "failed")
    key = house.state / "key"
    before = key.read_bytes()
    key.rename(house.folder / "key")
    rows = check(house, code=1)                                            # without it the house does not open
    assert "check --fix" in rows["database"]["remedy"]
    assert run_remedy(house, rows["database"]).returncode == 0
    assert key.stat().st_mode & 0o777 == 0o600 and key.read_bytes() != before
    check(house, code=0)
    # a key that is there is never replaced
    now = key.read_bytes()
    check(house, "--fix", code=0)
    assert key.read_bytes() == now


def test_schedules_that_are_gone_come_back(house):
    house.serve()
    wait_until(lambda: house.sql("SELECT 1 FROM process_run"), "its run")
    house.stop()
    line = sqlite3.connect(house.state / "recado.db")
    line.execute("PRAGMA foreign_keys = off")
    line.execute("DELETE FROM schedule")
    line.execute("INSERT INTO job (kind, queue, run_at, created_at) VALUES ('watch.clean', 'house', 1, 1)")
    line.commit()
    line.close()
    mends(house, "schedules", "failed")
    # who mends runs nothing and sends nothing
    assert house.sql("SELECT state FROM job WHERE kind = 'watch.clean'") == [("queued",)]
    assert house.sql("SELECT count(*) FROM job WHERE schedule_id IS NOT NULL") == [(0,)]
    assert house.sql("SELECT count(*) FROM schedule WHERE next_due_at IS NOT NULL")[0][0] > 5


def test_a_damaged_database_is_found(house):
    house.serve()
    house.import_csv("nombres,telefono\n" + "".join(f"Ana {i},+5939890{i:05}\n" for i in range(300)))
    house.stop()
    path = house.state / "recado.db"
    pages = bytearray(path.read_bytes())
    for at in range(len(pages) // 2, len(pages) // 2 + 40960):
        pages[at] ^= 0x55
    path.write_bytes(bytes(pages))
    done = house.call("check")
    assert done.returncode == 1 and "restore" in done.stdout


def test_a_backup_and_a_server_that_are_missing_are_asked_for(house):
    mends(house, "backup", "warning")
    row = check(house)["server"]
    assert row["state"] == "warning" and "recado" in row["remedy"]
    house.serve()
    wait_until(lambda: house.sql("SELECT 1 FROM schedule WHERE next_due_at IS NOT NULL"), "its schedules")
    assert check(house, code=0)["server"]["state"] == "ok"
    assert check(house, "--fix", code=0)["server"]["state"] == "ok"        # beside a server, which goes on
    assert house.is_alive()


def test_a_clock_that_went_back_is_found(house):
    os.utime(house.state / "last_seen" if (house.state / "last_seen").exists() else house.config, (4e9, 4e9))
    row = check(house, code=1)["clock"]
    assert row["state"] == "failed" and row["remedy"].startswith("timedatectl")


def test_hosts_that_are_not_found_or_do_not_answer_are_named_by_their_setting(house):
    house.set("whatsapp.base_url", "https://no-such-host.invalid")
    row = check(house, "--online", code=1)["dns"]
    assert "whatsapp.base_url" in row["detail"] and row["section"] == "integrations"
    assert run_remedy(house, row).returncode == 0
    house.set("whatsapp.base_url", "http://127.0.0.1:1")                  # nobody listens at port 1
    row = check(house, "--online", code=1)["ports"]
    assert "whatsapp.base_url" in row["detail"]
    assert run_remedy(house, row).returncode == 0


def test_a_file_named_by_env_is_what_is_looked_at(house):
    old = house.folder / "old.env"
    old.write_text("ALLOWED_HOSTS=*\nLOG_LEVEL=DEBUG\nWASENDER_API_KEY=planted-key-of-the-gateway\n")
    rows = check(house, "--env", old, code=1)
    assert rows["debug"]["state"] == "warning"
    assert rows["settings"]["state"] == "failed" and "ALLOWED_HOSTS" in rows["settings"]["detail"]
    assert check(house, code=0)["debug"]["state"] == "ok"                  # nothing was written
    ini = house.folder / "new.ini"
    ini.write_text(house.config.read_text().replace("Cine en Casa", "Mi negocio"))
    ini.chmod(0o600)
    assert check(house, "--env", ini)["needed"]["state"] == "warning"
    ini.write_text("[nonsense]\nx = 1\n")
    assert list(check(house, "--env", ini, code=1)) == ["settings"]
    assert house.call("check", "--env", house.folder / "nowhere.env").returncode == 2
