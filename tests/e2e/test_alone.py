"""The binary needs nothing of the machine it runs on: static, small, at home in an empty folder."""
import re
import os
import pathlib
import shutil
import subprocess
import urllib.parse

import pytest

from house import Refused, binary, read_line, request, spawn, stop

RELEASE = pathlib.Path(binary())


@pytest.fixture
def release():
    said = subprocess.run(["file", "-b", RELEASE], capture_output=True, text=True, check=True).stdout
    if "stripped" in said and "not stripped" not in said:
        return said
    pytest.skip("not the release binary")


def test_it_is_linked_statically_and_small(release):
    assert "static" in release and "interpreter" not in release, release
    assert RELEASE.stat().st_size <= 8 * 1024 * 1024


@pytest.mark.skipif(os.geteuid() != 0, reason="chroot needs root")
def test_it_serves_from_an_empty_root(release, village):
    root = village.folder / "root"
    (root / "etc").mkdir(parents=True)
    for name in ("resolv.conf", "hosts"):
        source = pathlib.Path("/etc") / name
        (root / "etc" / name).write_text(source.read_text() if source.exists() else "127.0.0.1 localhost\n")
    shutil.copy(RELEASE, root / "recado")

    def inside(*words, code=0):
        done = subprocess.run(["chroot", root, "/recado", *words], capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done
        return done.stdout

    inside("init", "/state")
    config = ["--config", "/state/recado.ini"]
    for name, value in (("mode.offline", "yes"), ("web.listen", "127.0.0.1:0"), ("business.zone", "America/Bogota"),
                        ("whatsapp.pause_s", "0"), ("outbox.window_to", "23:59"), ("outbox.window_from", "00:00")):
        inside("config", "set", name, value, *config)
    log = open(village.folder / "log", "ab")
    server = spawn(["chroot", root, "/recado", "serve", *config], log)
    try:
        try:
            address = read_line(server, rb"(http://127\.0\.0\.1:\d+)\n", log.name).group(1).decode()
        except Refused as refused:
            raise AssertionError(refused) from None
        assert request(address, "GET", "/health/live").status == 200
        page = request(address, "GET", "/login", headers={"Host": urllib.parse.urlsplit(address).netloc})
        assert page.status == 200 and "Contraseña" in page.text
        inside("demo", *config)
        assert "📊 Total: " in inside("renewals", "run", "--wait", *config, code=3)   # one made-up number has no WhatsApp
    finally:
        stop(server)
        log.close()


def test_it_tells_what_it_is_made_of(village):
    house = village.house()
    parts = house.run("version", json_out=True, config=False)
    text = str(parts)
    for name in ("sqlite", "curl", "mbedtls", "microhttpd", "yyjson", "argon2"):
        assert name in text.lower(), name
    assert house.run("--version", config=False).startswith("recado ")


def test_help_shows_each_command_once_under_a_subject(village):
    house = village.house()
    shown = house.run("--help", config=False, lang="es")
    names = re.findall(r"^  (\S+(?: [a-z-]+)?) {2,}", shown, re.M)
    assert len(names) == len(set(names)) > 60 and {"serve", "outbox stop-all", "renewals run"} <= set(names)
    assert re.findall(r"^(\w[\w ]+)$", shown, re.M)[:3] == ["Primeros pasos", "Negocio", "Mensajes"]
    assert "recado outbox pause CHANNEL" in house.run("outbox", "--help", config=False)


def test_a_mistyped_word_runs_no_shorter_command(village):
    house = village.house()
    for words in (["outbox", "pasue", "whatsapp"], ["jobs", "lits"], ["backup", "lits"], ["outbox", "stop-all", "x"]):
        done = house.call(*words, lang="es")
        assert done.returncode == 2 and "sobra aquí" in done.stderr and done.stdout == "", words
    for words in (["outbox", "--state", "nada"], ["jobs", "--state", "nada"]):
        done = house.call(*words, lang="es")
        assert done.returncode == 2 and "queued" in done.stderr, words
    assert house.call("config", "set", "backup.daily", "8").stderr == ""


def test_every_answer_with_json_is_json(village):
    house = village.house()
    for words in (["demo"], ["rescue", "disk"], ["outbox"], ["jobs"], ["schedules"], ["queues"], ["alerts"], ["tables"],
                  ["outbox", "channels"], ["outbox", "unsure"], ["why", "Andrés"], ["forecast"], ["backup", "list"],
                  ["user", "list"], ["role", "list"], ["token", "list"], ["routes"], ["version"], ["log", "level"],
                  ["config", "list"], ["guide"], ["rescue"]):
        house.run(*words, json_out=True)    # which reads it


def test_a_list_has_its_headings_in_the_readers_language(village):
    house = village.house()
    house.run("backup")
    house.run("schedules", "run", "ops.sweep")
    es, en = (house.run("jobs", lang=lang).splitlines() for lang in ("es", "en"))
    assert es[0].split()[:3] == ["Número", "Trabajo", "Estado"] and en[0].split()[:3] == ["Number", "Job", "State"]
    assert es[1].index("ops.sweep") == es[0].index("Trabajo")


def test_half_a_command_is_answered_with_its_other_halves(village):
    house = village.house()
    shown = house.run("user", "--help", config=False)
    assert "recado user add" in shown and "recado user reset" in shown and "recado config" not in shown
    half = house.call("user", config=False, lang="es")
    assert half.returncode == 2 and half.stdout == "" and "le falta una" in half.stderr
