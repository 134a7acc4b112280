"""install.sh as a person runs it for the first time: it ends with a served panel and the day's notices."""
import http.client
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess

import pytest

from house import ROOT, binary, text_of

INSTALL = ROOT / "install.sh"


@pytest.fixture
def archive(tmp_path):
    """A release archive as it is unpacked: the program and the script, no sources, so nothing is built."""
    folder = tmp_path / "recado-release"
    folder.mkdir()
    shutil.copy(binary(), folder / "recado")
    shutil.copy(INSTALL, folder / "install.sh")
    shutil.copytree(ROOT / "etc", folder / "etc", ignore=shutil.ignore_patterns("deps", "build"))
    return folder


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def end(pid):
    """Stop that one process and wait until it has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    os.kill(pid, signal.SIGTERM)
    select.select([handle], [], [], 60)
    os.close(handle)


def look_around(out, port):
    """Log in with what the summary says and see the notices."""
    user = re.search(r"user +(\S+)\s+password +(\S+)", out)
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    line.request("POST", "/login", f"name={user.group(1)}&password={user.group(2)}",
                 {"Content-Type": "application/x-www-form-urlencoded"})
    reply = line.getresponse()
    reply.read()
    assert reply.status == 303, reply.status
    line.request("GET", "/notices", headers={"Cookie": reply.getheader("Set-Cookie").split(";")[0]})
    page = text_of(line.getresponse().read().decode())
    line.close()
    return page


def test_trying_it_ends_with_a_served_panel_and_the_days_notices(archive, tmp_path):
    home, port, pid = tmp_path / "home", free_port(), None
    home.mkdir()
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "RECADO_TRY_PORT": str(port), "TERM": "dumb"}
    try:
        for _ in range(2):                              # the second time replaces the first
            done = subprocess.run([archive / "install.sh", "--try"], env=env, capture_output=True, text=True,
                                  timeout=300, stdin=subprocess.DEVNULL)
            assert done.returncode == 0, done
            pid = int(re.search(r"kill (\d+)", done.stdout).group(1))
            assert "🚨 Buscando suscripciones que vencen HOY..." in done.stdout
            assert int(re.search(r"📊 Total: (\d+)", done.stdout).group(1)) > 0
            assert int(re.search(r"http://127\.0\.0\.1:(\d+)", done.stdout).group(1)) == port
            assert home in pathlib.Path(re.search(r"Its folder: (\S+)", done.stdout).group(1)).parents
            assert "Netflix" in look_around(done.stdout, port)
    finally:
        if pid:
            end(pid)
    with socket.socket() as s:
        assert s.connect_ex(("127.0.0.1", port)) != 0


def test_what_it_does_not_know_it_says(archive):
    done = subprocess.run([archive / "install.sh", "--fly"], capture_output=True, text=True)
    assert done.returncode == 1 and "--fly" in done.stderr and done.stdout == ""
    help_text = subprocess.run([archive / "install.sh", "--help"], capture_output=True, text=True, check=True).stdout
    for option in ("--try", "--test", "--upgrade", "--uninstall"):
        assert option in help_text


def test_a_try_clears_away_only_what_an_earlier_try_made(archive, tmp_path):
    home = tmp_path / "home"
    (home / "photos").mkdir(parents=True)
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "RECADO_TRY_DIR": str(home), "TERM": "dumb"}
    done = subprocess.run([archive / "install.sh", "--try"], env=env, capture_output=True, text=True, timeout=300,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and str(home) in done.stderr and (home / "photos").exists()


def test_an_upgrade_tried_twice_still_knows_the_way_back(archive, tmp_path):
    """The functions of the script in a place of its own: what it does as root on a machine is done to no machine here."""
    old, here = tmp_path / "bin" / "recado", tmp_path / "state"
    old.parent.mkdir()
    here.mkdir()
    old.write_text("#!/bin/sh\necho recado 0.0.1\n")
    old.chmod(0o755)
    script = (archive / "install.sh").read_text()
    script = script.replace("BIN=/usr/local/bin/recado", f"BIN={old}").replace('"do_$action"', """
need_root() { :; }
put_service() { :; }
as_recado() { :; }
have_systemd() { true; }
systemctl() { [ "$1" != restart ]; }
"do_$action"
""")
    (archive / "install.sh").write_text(script)
    for _ in range(2):
        done = subprocess.run([archive / "install.sh", "--upgrade"], capture_output=True, text=True,
                              env={**os.environ, "RECADO_STATE": str(here)})
        assert done.returncode == 1 and "install.sh --rollback" in done.stderr, done
        assert "0.0.1" in (old.parent / "recado.previous").read_text(errors="replace")


def test_each_step_twice_and_without_systemd_says_one_clear_thing(archive, tmp_path):
    """Again with the script's own functions, and a machine made of folders: what is asked of it as root is written down."""
    program, unit, state, asked = (tmp_path / name for name in ("bin/recado", "units/recado.service", "state", "asked"))
    program.parent.mkdir()
    unit.parent.mkdir()
    script = (archive / "install.sh").read_text()
    for old, new in (("BIN=/usr/local/bin/recado", f"BIN={program}"), ("UNIT=/etc/systemd/system/recado.service", f"UNIT={unit}"),
                     ("[ -d /etc/systemd/system ]", "true"), ('"do_$action"', """
need_root() { :; }
id() { :; }
chown() { :; }
have_systemd() { [ -n "$SYSTEMD" ]; }
systemctl() { echo "$1" >>"$ASKED"; [ "$1" != is-active ] && [ "$1" != "$BAD" ]; }
journalctl() { :; }
"do_$action"
""")):
        assert old in script
        script = script.replace(old, new)
    (archive / "install.sh").write_text(script)

    def call(*words, systemd="yes", bad=""):
        asked.write_text("")
        done = subprocess.run([archive / "install.sh", *words], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              env={**os.environ, "RECADO_STATE": str(state), "SYSTEMD": systemd, "BAD": bad, "ASKED": str(asked)})
        return done.returncode, done.stdout, asked.read_text().split()

    assert "Nothing is installed" in call("--uninstall")[1]
    code, out, did = call(bad="restart")                         # cut short: all is there but it does not run
    assert code == 1 and "journalctl -u recado" in out and program.exists() and (state / "recado.ini").exists()
    code, out, did = call()
    assert code == 0 and "--upgrade" in out and did[-1] == "restart" and "Writing" not in out
    unit.write_text("of an older version")
    assert "Writing the service" in call()[1]
    code, out, did = call("--uninstall")
    assert code == 0 and did == ["disable", "daemon-reload"] and "The data stays" in out and (state / "recado.ini").exists()
    code, out, did = call(systemd="")
    assert code == 0 and did == [] and "No systemd here. Start it with" in out
    code, out, did = call("--uninstall", systemd="")
    assert code == 0 and did == [] and "until you stop it" in out and not program.exists() and not unit.exists()
