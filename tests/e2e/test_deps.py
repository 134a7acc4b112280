"""The script that gets third-party sources: nothing whose sum is not in the table, and no endless waiting."""
import hashlib
import os
import pathlib
import shutil
import subprocess

import pytest

DEPS = pathlib.Path(__file__).resolve().parents[2] / "etc/deps"


def sha(data):
    return hashlib.sha256(data).hexdigest()


class House:
    """A private copy of the script with a table, a cache and a `curl` of our own."""

    def __init__(self, folder, rows):
        self.folder, self.cache, self.calls = folder, folder / "cache", folder / "calls"
        for name in ("deps.sh", "mbedtls_getrandom.c"):
            shutil.copy(DEPS / name, folder)
        (folder / "table.tsv").write_text("".join("\t".join(r) + "\n" for r in rows))
        (folder / "bin").mkdir()
        self.src = self.cache / "src"
        self.src.mkdir(parents=True)

    def curl(self, script):
        path = self.folder / "bin/curl"
        path.write_text(f'#!/bin/bash\necho call >>"{self.calls}"\n{script}\n')
        path.chmod(0o755)

    def fetch(self):
        env = dict(os.environ, RECADO_CACHE=str(self.cache), RECADO_NO_DISTRIBUTION="1",
                   PATH=f"{self.folder}/bin:{os.environ['PATH']}")
        call = [str(self.folder / "deps.sh"), "fetch"]
        return subprocess.run(call, env=env, capture_output=True, text=True)


def row(name, pin, version, data, url="https://invalid.invalid/x.tar.gz"):
    return (name, pin, version, f"{name}_{version}.tar.gz", sha(data), url, "=", "none:none")


UNREACHABLE = "exit 6"
SENDS = 'while [ $# -gt 1 ]; do [ "$1" = -o ] && out=$2; shift; done; printf %s "{}" >"$out"'


def test_an_archive_with_the_right_sum_needs_no_network(tmp_path):
    house = House(tmp_path, [row("a", "first", "1", b"good")])
    house.curl(UNREACHABLE)
    (house.src / "a_1.tar.gz").write_bytes(b"good")
    assert house.fetch().returncode == 0
    assert not house.calls.exists()


def test_a_changed_archive_in_the_cache_is_not_used(tmp_path):
    house = House(tmp_path, [row("a", "first", "1", b"good")])
    house.curl(UNREACHABLE)
    (house.src / "a_1.tar.gz").write_bytes(b"evil")
    run = house.fetch()
    assert run.returncode != 0 and "no source could be had" in run.stderr


def test_wrong_bytes_from_upstream_stop_the_build(tmp_path):
    house = House(tmp_path, [row("a", "first", "2", b"good"), row("a", "baseline", "1", b"old")])
    house.curl(SENDS.format("evil"))
    (house.src / "a_1.tar.gz").write_bytes(b"old")
    run = house.fetch()
    assert run.returncode == 3 and "wrong checksum" in run.stderr and sha(b"good") in run.stderr
    assert not list(house.src.glob("*x.tar.gz"))


def test_right_bytes_from_upstream_are_kept(tmp_path):
    house = House(tmp_path, [row("a", "first", "1", b"good")])
    house.curl(SENDS.format("good"))
    assert house.fetch().returncode == 0
    house.curl(UNREACHABLE)
    assert house.fetch().returncode == 0


def test_the_baseline_stands_in_and_says_so(tmp_path):
    house = House(tmp_path, [row("a", "first", "2", b"new"), row("a", "baseline", "1", b"old")])
    house.curl(UNREACHABLE)
    (house.src / "a_1.tar.gz").write_bytes(b"old")
    run = house.fetch()
    assert run.returncode == 0 and "baseline 1 instead" in run.stderr


def test_an_unreachable_upstream_is_asked_once(tmp_path):
    pins = (("first", "2"), ("baseline", "1"))
    house = House(tmp_path, [row(n, p, v, b"x") for n in "abc" for p, v in pins])
    house.curl(UNREACHABLE)
    for n in "abc":
        (house.src / f"{n}_1.tar.gz").write_bytes(b"x")
    assert house.fetch().returncode == 0
    assert house.calls.read_text().count("call") == 1


def test_a_missing_file_upstream_does_not_stop_the_others(tmp_path):
    house = House(tmp_path, [row("a", "first", "2", b"x"), row("a", "baseline", "1", b"x"),
                             row("b", "first", "1", b"y")])
    house.curl("exit 22")
    (house.src / "a_1.tar.gz").write_bytes(b"x")
    assert house.fetch().returncode != 0
    assert house.calls.read_text().count("call") == 2       # one for each library's first pin


def table():
    for line in (DEPS / "table.tsv").read_text().split("\n"):
        if line and not line.startswith("#"):
            yield line.split("\t")


@pytest.mark.parametrize("cells", table(), ids=lambda c: f"{c[0]}-{c[1]}")
def test_every_row_of_the_table_is_whole(cells):
    assert len(cells) == 8 and cells[1] in ("first", "baseline")
    assert len(cells[4]) == 64 and set(cells[4]) <= set("0123456789abcdef")
    assert cells[6] in ("=", "-") or len(cells[6]) == 64
    assert cells[5] == "-" or cells[5].startswith("https://")
