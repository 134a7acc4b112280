"""Commands typed with sudo: what they leave in the folder belongs to the service's user, who has to go on with it."""
import os
import shutil
import subprocess

import pytest

from house import binary

OWNER = 48213        # nobody has this number: no such user is needed


@pytest.fixture
def house(village):
    if os.geteuid() != 0:
        pytest.skip("only root can type a command as root")
    made = village.house()
    village.folder.chmod(0o755)
    for path in (made.folder, made.state):
        path.chmod(0o755 if path != made.state else 0o700)
    made.run("backup", "--to", made.folder / "old.tar.gz")
    (made.folder / "old.tar.gz").chmod(0o644)
    for path in [made.state, *made.state.rglob("*")]:
        os.chown(path, OWNER, OWNER, follow_symlinks=False)
    return made


def owners(house):
    return {path.name: path.lstat().st_uid for path in [house.state, *house.state.rglob("*")]
            if path.lstat().st_uid != OWNER}


@pytest.mark.parametrize("words", [
    ["backup"], ["backup", "list"], ["check"], ["check", "--fix"], ["config", "set", "business.name", "Casa"],
    ["user", "add", "eva", "--role", "owner", "--password-stdin"], ["renewals", "run", "--dry-run"], ["init"],
    ["restore"], ["rescue", "disk"]], ids="-".join)
def test_a_command_of_root_leaves_nothing_of_roots_in_the_folder(house, words):
    words = words + {"restore": [house.folder / "old.tar.gz"], "init": [house.state]}.get(words[0], [])
    shutil.rmtree(house.state / "tmp", ignore_errors=True) if words[0] == "check" else None
    done = house.call(*words, stdin="una clave larga y buena\n", config=words[0] != "init")
    assert owners(house) == {}, done
    if words[0] != "check":
        assert done.returncode == 0, done


def test_root_may_hand_over_a_file_that_the_services_user_cannot_read(house):
    table = house.folder / "clientes.csv"
    table.write_text("nombres,telefono\nEva,+593987000001\n")
    table.chmod(0o600)
    house.run("renewals", "import", table, "--commit")
    assert house.sql("SELECT count(*) FROM client") == [(1,)]
    assert owners(house) == {}


def test_a_backup_that_only_root_can_read_is_refused_with_the_way_out(house):
    (house.folder / "old.tar.gz").chmod(0o600)
    done = house.call("restore", house.folder / "old.tar.gz", lang="en")
    assert done.returncode != 0 and str(OWNER) in done.stderr and "/var/tmp" in done.stderr
    assert owners(house) == {}


def test_who_is_neither_root_nor_the_owner_is_told(house):
    program = house.folder / "recado"           # the tree the tests run in may be closed to other users
    shutil.copy(binary(), program)
    program.chmod(0o755)
    done = subprocess.run([program, "backup", "--config", str(house.config), "--lang", "en"], capture_output=True,
                          text=True, user=OWNER + 1, group=OWNER + 1, extra_groups=[], cwd="/")
    assert done.returncode != 0 and len(done.stderr.strip().splitlines()) == 1
    assert owners(house) == {}
