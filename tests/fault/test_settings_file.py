"""The settings file while it is rewritten: whatever fails and whenever it dies, it is the old one or the new one, whole."""
import os
import platform
import random
import re
import shutil
import signal
import stat
import subprocess
import time

import pytest

from house import Village, binary, wait_until

REWRITES = 200
# One C library's word for it and the other's; newer machines never had the old ones.
HAS_OLD_CALLS = platform.machine() in ("x86_64", "i686")
KERNEL_NAMES = {"rename": "rename,renameat,renameat2", "openat": "open,openat"} if HAS_OLD_CALLS else {
    "rename": "renameat,renameat2"}
OLD = "; mine, with a note\n[business]\nname = Viejo\n\n[outbox]\n;slots = 8\n"
NEW = "; mine, with a note\n[business]\nname = Nuevo\nphone = 0988\n\n[outbox]\n;slots = 8\nslots = 9\n"
CHANGES = ["business.name", "Nuevo", "outbox.slots", "9", "business.phone", "0988"]


@pytest.fixture
def alone():
    """A folder with nothing but the file."""
    village = Village()
    folder = village.folder / "alone"
    folder.mkdir()
    yield folder
    village.close()


def write_old(folder):
    config = folder / "recado.ini"
    config.write_text(OLD)
    os.chmod(config, 0o640)
    return config


def check_whole(config):
    assert config.read_text() in (OLD, NEW)
    assert stat.S_IMODE(config.stat().st_mode) == 0o640 and config.stat().st_uid == os.geteuid()


def set_values(config, *before, **more):
    return subprocess.run([*before, binary(), "config", "set", *CHANGES, "--config", str(config), "--lang", "en"],
                          capture_output=True, text=True, timeout=60, **more)


def can_trace(folder):
    if not shutil.which("strace"):
        return False
    done = subprocess.run(["strace", "-o", str(folder / "probe"), "true"], capture_output=True)
    (folder / "probe").unlink(missing_ok=True)
    return done.returncode == 0


@pytest.mark.parametrize("call, error", [("openat", "EACCES"), ("openat", "ENOSPC"), ("write", "ENOSPC"), ("write", "EIO"),
                                         ("fsync", "EIO"), ("fchmod", "EPERM"), ("rename", "EIO"), ("rename", "EROFS"),
                                         ("flock", "EINTR"), ("close", "EIO")])
def test_whichever_system_call_fails_the_file_is_the_old_or_the_new_one(alone, call, error):
    if not can_trace(alone):
        pytest.skip("no strace here, or no right to trace")
    names = KERNEL_NAMES.get(call, call)
    log, reached = alone.parent / "strace.log", 0
    for n in range(1, 60):
        config = write_old(alone)
        done = set_values(config, "strace", "-f", "-o", str(log), "-P", str(config), "-P", str(config) + ".new",
                          "-P", str(alone), "-e", f"inject={names}:error={error}:when={n}")
        check_whole(config)
        injected = "INJECTED" in log.read_text(errors="replace")
        if not injected:
            assert done.returncode == 0 and config.read_text() == NEW, done
            break
        reached += 1
        if done.returncode == 0:
            assert config.read_text() == NEW, done
        elif config.read_text() == OLD:
            assert str(config) in done.stderr or call == "openat", done.stderr
        subprocess.run([binary(), "config", "list", "--config", str(config)], capture_output=True, check=True)
        assert [p.name for p in alone.iterdir()] == ["recado.ini"]   # the next start swept what was left
    assert reached > 0, f"{call} was never called on the file: this run proved nothing"


def test_killed_at_any_moment_of_two_hundred_rewrites_the_file_is_whole(alone):
    seed = int(os.environ.get("RECADO_SEED") or random.randrange(1 << 30))
    print(f"RECADO_SEED={seed}")
    dice = random.Random(seed)
    begun = time.monotonic()
    assert set_values(write_old(alone)).returncode == 0
    lasts = time.monotonic() - begun
    seen = {OLD: 0, NEW: 0}
    for n in range(REWRITES):
        if n % 20 == 19 and not (seen[OLD] and seen[NEW]):  # the machine got slower, or faster, than it was at first
            lasts *= 0.5 if seen[NEW] else 2
        config = write_old(alone)
        process = subprocess.Popen([binary(), "config", "set", *CHANGES, "--config", str(config)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(dice.random() * lasts)
        process.send_signal(signal.SIGKILL)
        process.wait()
        check_whole(config)
        seen[config.read_text()] += 1
    print("old:", seen[OLD], "new:", seen[NEW])
    subprocess.run([binary(), "config", "list", "--config", str(config)], capture_output=True, check=True)
    assert [p.name for p in alone.iterdir()] == ["recado.ini"]
    assert seen[OLD] and seen[NEW], "every kill fell before or after all of the rewriting: this run proved nothing"


def test_a_server_killed_while_the_panel_saves_starts_again_with_whole_settings(village):
    house = village.house()
    house.token_text = house.token()
    dice = random.Random(7)
    for n in range(12):
        house.serve()
        line = [house.api.call("PATCH", "settings", {"outbox.slots": n % 60 + 1}).status]
        saving = subprocess.Popen([binary(), "config", "set", "business.name", f"Cine {n}", "--config", str(house.config)],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(dice.random() * 0.02)
        house.kill()
        saving.wait(60)
        assert line == [200]
        assert house.run("config", "get", "outbox.slots").strip() == str(n % 60 + 1)
        assert re.fullmatch(r"Cine( en Casa| \d+)", house.run("config", "get", "business.name").strip())
    assert sorted(p.name for p in house.state.glob("recado.ini*")) == ["recado.ini"]


@pytest.mark.parametrize("call, error, status, words", [("write", "ENOSPC", 500, "disco está lleno"),
                                                        ("openat", "EROFS", 403, "solo lectura"),
                                                        ("openat", "EACCES", 403, "chown"), ("fsync", "EIO", 500, "permisos")])
def test_when_the_disk_refuses_the_save_says_so_and_what_mends_it(village, call, error, status, words):
    house = village.house()
    if not can_trace(house.folder):
        pytest.skip("no strace here, or no right to trace")
    house.serve()
    token, names = house.api, iter(range(10000))
    log = house.folder / "strace.log"
    tracer = subprocess.Popen(["strace", "-f", "-q", "-p", str(house.server.pid), "-o", str(log),
                               "-P", str(house.config) + ".new", "-e", f"inject={KERNEL_NAMES.get(call, call)}:error={error}"],
                              stderr=subprocess.PIPE)
    try:
        def refused():                                               # another name each time, until the tracer is there
            before = house.config.read_bytes()
            reply = token.call("PATCH", "settings", {"business.name": f"Name {next(names)}"})
            return (reply, before) if reply.status != 200 else None
        reply, before = wait_until(refused, "the tracer")
        assert reply.status == status and words in reply.json["error"]["message"], reply
        assert str(house.config) in reply.json["error"]["message"]
        assert house.config.read_bytes() == before and house.is_alive()
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(30)
        tracer.stderr.close()
    assert token.call("PATCH", "settings", {"business.name": "Otra vez"}).status == 200
