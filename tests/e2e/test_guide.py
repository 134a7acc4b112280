"""The guide's commands are commands: each is run as it stands there. And each rescue is tried on the real trouble."""
import json
import os
import pathlib
import re
import socket
import subprocess
import time

import pytest

from house import Panel, Refused, binary, text_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Commands of the host: not ours to run here, but each must be one that Debian has or that we ship.
HOST = {"sudo", "systemctl", "timedatectl", "ssh", "ss", "apt", "journalctl", "echo"}
# Where a finding is an answer, too: the machine the tests run on is nobody's server.
FINDINGS = {"check": (0, 1), "check --online": (0, 1)}
ANY_HOUR = {"outbox.window_from": "00:00", "outbox.window_to": "00:00"}


def sections(which, lang="es"):
    done = subprocess.run([binary(), which, "--json", "--lang", lang], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def items(section):
    return section.get("steps") or section["items"]


def all_items(which):
    return [item for section in sections(which) for item in items(section)]


def test_every_command_of_the_guide_and_the_rescue_runs_as_written(village):
    house = village.house(settings={**ANY_HOUR, "alerts.email": "duena@example.com", "smtp.from": "avisos@example.com"},
                          standin=village.standin()).serve()
    house.add_user("ana")
    house.api.service("Netflix")
    house.import_csv("nombres,telefono,servicio,fecha_vencimiento,precio\nAna,0991234567,Netflix,31/12/2026,5\n",
                     "--commit")
    examples = list(dict.fromkeys(i["example"] for which in ("guide", "rescue") for i in all_items(which)
                                  if i.get("example")))
    assert len(examples) > 35
    # What changes the settings or stops the house comes last, so that the others see a usual one.
    examples.sort(key=lambda words: (words.startswith("config set"), words.startswith("user reset")))
    wrong = []
    for words in examples:
        done = house.call(*words.split(), stdin="cuatro perros en el tejado\n")
        if done.returncode not in FINDINGS.get(words, (0, 3)):
            wrong.append((words, done.returncode, done.stdout[-300:], done.stderr[-300:]))
    assert not wrong


def test_every_example_is_the_command_beside_it_with_words_for_the_capitals():
    for which in ("guide", "rescue"):
        for item in all_items(which):
            command, example = item.get("command"), item.get("example")
            if command is None:
                assert example is None
            elif command.split()[0] != "recado":
                assert command.split()[0] in HOST, command
            elif example is not None:
                pattern = re.sub(r"\\?[A-Z]{3,}", r"\\S+", re.escape("recado " + command[len("recado "):]))
                assert re.fullmatch(pattern, "recado " + example), (command, example)


def test_the_guide_has_its_parts():
    guide = {s["id"]: s for s in sections("guide")}
    assert list(guide) == ["before", "install", "proxy", "checklist", "update", "back", "commands", "first-day",
                           "troubles"]
    assert len(items(guide["checklist"])) == 30
    assert len(items(guide["troubles"])) == 8
    assert [s["id"] for s in sections("rescue")] == ["password", "phone", "disk", "clock", "port", "file"]


@pytest.mark.parametrize("lang", ["es", "en"])
def test_the_panel_shows_the_same_text(village, lang):
    house = village.house().serve()
    panel = house.panel(lang=lang)
    for which in ("guide", "rescue"):
        page = text_of(panel.page("/" + which))
        for section in sections(which, lang):
            assert section["title"] in page
            for item in items(section):
                assert re.sub(r"\s+", " ", item["text"]) in page
                assert item.get("command", "") in page


def test_a_lost_password_is_replaced_at_the_machine(village):
    house = village.house().serve()
    house.panel("ana")
    house.run("user", "reset", "ana", "--password-stdin", stdin="cuatro perros en el tejado\n")
    reply = Panel(house).send("POST", "/login", {"name": "ana", "password": "cuatro gatos en el tejado"})
    assert reply.status != 303
    Panel(house, "ana", "cuatro perros en el tejado")


def test_a_full_disk_gets_room_again(village):
    house = village.house()
    (house.state / "tmp" / "restore-1").mkdir(parents=True)
    old = [house.state / "tmp" / "restore-1" / "recado.db", house.state / "spool" / "old.xlsx",
           house.state / "backups" / "recado-2026-01-01T03-30-00-000Z.tar.gz.part",
           house.state / "backups" / ".new-Abc123"]         # an archive that a cut left half written
    kept = [house.state / "tmp" / "now", house.state / "backups" / "recado-2026-01-01T03-30-00-000Z.tar.gz",
            house.state / "recado.db", house.state / "key"]
    long_ago = time.time() - 3600
    for path in old + kept[:2]:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * 2_000_000)
        if path != kept[0]:
            os.utime(path, (long_ago, long_ago))
    os.utime(old[0].parent, (long_ago, long_ago))
    said = house.run("rescue", "disk")
    assert "7 MB" in said and "4 " in said
    assert not any(path.exists() for path in old)
    assert all(path.exists() for path in kept)


def test_making_room_spares_what_a_running_server_works_with(village):
    house = village.house().serve()
    proof, yesterday = house.state / "tmp" / "prove-1" / "recado.db", house.state / "tmp" / "restore-1" / "recado.db"
    for path, age in ((proof, 3600), (yesterday, 2 * 86400)):
        path.parent.mkdir()
        path.write_bytes(b"x")
        for one in (path, path.parent):
            os.utime(one, (time.time() - age,) * 2)
    house.run("rescue", "disk")
    assert proof.exists() and not yesterday.exists()


def test_a_port_that_is_taken_is_named_and_another_one_opens(village):
    house = village.house()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        house.set("web.listen", f"127.0.0.1:{port}")
        with pytest.raises(Refused) as refused:
            house.serve()
        assert str(port) in refused.value.err
        house.set("web.listen", "127.0.0.1:0")
        house.serve()


def test_a_damaged_database_is_said_and_the_newest_backup_put_back(village):
    house = village.house().serve()
    house.api.client("Ana", phone="0991234567")
    house.run("backup")
    house.stop()
    path = house.state / "recado.db"
    size = path.stat().st_size
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 8192))
    with pytest.raises(Refused) as refused:
        house.serve()
    assert "recado.db" in refused.value.err
    newest = sorted((house.state / "backups").iterdir())[-1]
    house.run("restore", newest)
    house.serve()
    assert [row["given_names"] for row in house.api.all("clients")] == ["Ana"]


def test_a_damaged_settings_file_is_named_by_line_and_key(village):
    house = village.house()
    with open(house.config, "a") as file:
        file.write("\n[web]\nlisten_to = nowhere\n")
    done = house.call("config", "list")
    assert done.returncode != 0
    assert "listen_to" in done.stderr and re.search(r"\d", done.stderr)
