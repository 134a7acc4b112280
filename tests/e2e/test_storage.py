"""Copies of backups on somebody else's disk: the storage's faults, its refusals, and what comes back."""
import os
import pathlib
import shutil
import subprocess

import pytest

from house import read_line, spawn, stop, wait_until

NODE = pathlib.Path(os.environ.get("RECADO_NODE", "/nonexistent")) / "node_modules"
BUCKET = "cubeta"


@pytest.fixture
def storage(village):
    """A house whose storage is the stand-in: it recomputes each signature."""
    standin = village.standin()
    house = village.house(settings={"s3.endpoint": standin.address, "s3.bucket": BUCKET, "s3.key_id": "STANDIN",
                                    "s3.secret": "standin-secret"}, standin=standin, offline=False)
    return house, standin


def faults(standin, *names):
    standin.post("/_standin/s3/faults", faults=list(names))


def objects(standin):
    return standin.get("/_standin/s3/objects")


def test_the_owner_tries_the_storage_and_nothing_stays_there(storage):
    house, standin = storage
    assert "almacenamiento recibe" in house.run("storage", "check")
    assert objects(standin) == []


def test_a_busy_storage_is_asked_again(storage):
    house, standin = storage
    faults(standin, "503", "lost")
    house.run("storage", "check")
    faults(standin, "cut")
    house.run("storage", "check")
    assert objects(standin) == []


@pytest.mark.parametrize("fault, words", [
    ("403", "s3.key_id"), ("region", "sfo3"), ("301", "s3.endpoint"), ("skew", "timedatectl"),
])
def test_what_the_storage_refuses_is_one_clear_sentence(storage, fault, words):
    house, standin = storage
    faults(standin, fault, fault)
    done = house.call("storage", "check")
    assert done.returncode != 0
    assert words in done.stderr.splitlines()[-1]
    assert "standin-secret" not in done.stderr + done.stdout


@pytest.mark.parametrize("name, value, words", [
    ("s3.secret", "another-secret", "s3.key_id"), ("s3.key_id", "SOMEBODY", "s3.key_id"),
    ("s3.region", "sfo3", "s3.region"), ("s3.bucket", "", "s3.bucket"),
])
def test_a_wrong_setting_is_named(storage, name, value, words):
    house, _ = storage
    house.set(name, value)
    done = house.call("storage", "check")
    assert done.returncode != 0
    assert words in done.stderr.splitlines()[-1]


def test_offline_the_storage_is_inside(village):
    house = village.house(settings={"s3.bucket": BUCKET}).serve()
    assert "almacenamiento recibe" in house.run("storage", "check")
    house.stop()
    assert "servidor en marcha" in house.call("storage", "check").stderr


@pytest.fixture
def s3rver(tmp_path):
    """A storage server that is not ours."""
    program = NODE / "s3rver" / "bin" / "s3rver.js"
    if not program.exists() or not shutil.which("node"):
        pytest.skip("needs node and s3rver (tests/tools)")
    log_path = tmp_path / "s3rver.log"
    with open(log_path, "wb") as log:
        process = spawn(["node", str(program), "-d", str(tmp_path / "data"), "-a", "127.0.0.1", "-p", "0",
                         "--configure-bucket", BUCKET, "--no-vhost-buckets"], log)
    port = read_line(process, rb"listening on 127\.0\.0\.1:(\d+)", log_path).group(1).decode()
    yield "http://127.0.0.1:" + port
    stop(process)


def test_another_ones_storage_takes_our_calls(village, s3rver):
    house = village.house(settings={"s3.endpoint": s3rver, "s3.bucket": BUCKET, "s3.key_id": "S3RVER",
                                    "s3.secret": "S3RVER"}, offline=False)
    assert "almacenamiento recibe" in house.run("storage", "check")
    house.set("s3.bucket", "otra")
    assert "otra" in house.call("storage", "check").stderr.splitlines()[-1]
