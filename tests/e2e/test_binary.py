"""What travels with the binary and the unit it runs under."""
import getpass
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from house import ROOT, binary

UNIT = ROOT / "etc/recado.service"
EXPOSURE_MAX = 2.0


@pytest.fixture
def release():
    said = subprocess.run(["file", "-b", binary()], capture_output=True, text=True, check=True).stdout
    if "not stripped" in said or "stripped" not in said:
        pytest.skip("not the release binary")
    return said


def test_it_can_be_loaded_anywhere_and_links_nothing(release):
    assert "static-pie linked" in release or "statically linked" in release, release
    headers = subprocess.run(["readelf", "-lW", binary()], capture_output=True, text=True, check=True).stdout
    assert "INTERP" not in headers and "GNU_RELRO" in headers
    assert re.search(r"GNU_STACK\s.*\sRW\s", headers), "an executable stack"
    needed = subprocess.run(["readelf", "-dW", binary()], capture_output=True, text=True, check=True).stdout
    assert "(NEEDED)" not in needed


def test_it_tells_nobody_where_it_was_built(release):
    text = pathlib.Path(binary()).read_bytes()
    homes = {b"/root/", b"/home/", str(ROOT).encode() + b"/", str(pathlib.Path.home()).encode() + b"/.cache"}
    cache = os.environ.get("XDG_CACHE_HOME")
    if cache:
        homes.add(cache.encode())
    for path in homes:
        at = text.find(path)
        assert at < 0, text[max(0, at - 40):at + 80]
    if getpass.getuser() != "root":
        assert f"/{getpass.getuser()}/".encode() not in text


def test_the_service_is_well_shut_in():
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        pytest.skip("needs systemd-analyze")
    done = subprocess.run([analyze, "security", "--offline=true", "--no-pager", str(UNIT)], capture_output=True, text=True,
                          env={**os.environ, "SYSTEMD_COLORS": "0"})
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze cannot judge offline")
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found, done
    assert float(found.group(1)) <= EXPOSURE_MAX, done.stdout


def test_the_unit_starts_the_commands_that_exist():
    unit = UNIT.read_text()
    words = re.search(r"^ExecStart=(\S+) (\S+)", unit, re.M)
    assert words.group(1).endswith("/recado") and words.group(2) == "serve"
    for line in ("Type=notify", "Restart=always", "RestartSec=3"):
        assert line in unit.splitlines(), line
    assert re.search(r"^WatchdogSec=", unit, re.M)
