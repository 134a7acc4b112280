"""The server shuts itself in: what it never needs is refused and logged; a wall the kernel lacks is said."""
import json
import pathlib
import shutil
import subprocess

import pytest

from house import binary

NAMES = {"exec", "read", "list", "port", "ptrace", "mount", "signal"}
CALLS = {"exec", "ptrace", "mount"}


def walls(house, *before):
    done = subprocess.run([*before, binary(), "sandbox", "--json", "--config", str(house.config)],
                          capture_output=True, text=True, timeout=60)
    text = done.stdout[done.stdout.index("["):done.stdout.rindex("]") + 1]
    return done, {row["name"]: row["state"] for row in json.loads(text)}


def test_whoever_takes_over_the_server_gets_no_further(village):
    done, states = walls(village.house(offline=False))
    assert done.returncode == 0, done.stderr
    assert set(states) == NAMES
    assert "open" not in states.values()
    assert all(states[name] == "refused" for name in CALLS)
    refused = [line for line in done.stderr.splitlines() if "sandbox.refused" in line]
    assert len(refused) == sum(state == "refused" for state in states.values())


def test_offline_the_ports_are_free_and_that_is_said(village):
    _, states = walls(village.house())
    assert states["port"] == "absent"
    assert all(states[name] == "refused" for name in CALLS)


def test_the_running_server_stands_inside(village):
    house = village.house(standin=village.standin()).serve()
    status = pathlib.Path(f"/proc/{house.server.pid}/status").read_text()
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status
    assert "sandbox.entered" in house.log()
    assert "sandbox.refused" not in house.log()


def test_a_kernel_without_landlock_is_said_and_the_house_works(village):
    if not shutil.which("strace"):
        pytest.skip("needs strace")
    house = village.house(offline=False)
    done, states = walls(house, "strace", "-qq", "-o", "/dev/null", "-e", "trace=landlock_create_ruleset",
                         "-e", "inject=landlock_create_ruleset:error=ENOSYS")
    assert done.returncode == 0, done.stderr
    assert "landlock=0" in done.stderr and " warn security sandbox.entered" in done.stderr
    assert {states[name] for name in ("read", "list", "port", "signal")} == {"absent"}


def test_a_port_that_was_set_while_it_ran_is_told_until_the_restart(village):
    gateway = village.standin()
    house = village.house({"whatsapp.base_url": "https://example.com"}, offline=False).serve()
    if " ports=1 " not in house.log():
        pytest.skip("needs Landlock for ports")

    def told():
        house.run("alerts", "look")
        rows = json.loads(house.call("alerts", json_out=True, lang="en").stdout)["open"]
        return [row for row in rows if row["key"] == "sandbox.closed"]

    assert told() == []
    house.set("web.public_url", "https://panel.example.com:8443")   # nobody connects there from here
    assert told() == []
    house.set("whatsapp.base_url", gateway.address)
    [alert] = told()
    assert alert["severity"] == "warning" and alert["what_to_do"] == "systemctl restart recado"
    assert "whatsapp.base_url" in alert["text"]
    house.stop()
    house.serve()
    assert told() == []
