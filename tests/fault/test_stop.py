"""Stopped or killed in the middle of planning, importing or sending: it goes on where it was, once."""
import os
import random
import subprocess

import pytest

from house import binary, wait_until

# Messages may leave from 08:00; the day's own run begins at 09:00 and must not come between.
EVENING, MORNING = "2025-09-07T21:00:00-05:00", "2025-09-08T08:30:00-05:00"
MANY = 8000     # planning them takes long enough for a kill to fall into it, also on a fast machine
HEAD = "nombres,apellidos,telefono,servicio,fecha_inicio,fecha_vencimiento\n"


def customers(count):
    return HEAD + "".join(f"Cliente,{n:05},+593983{n:06},Netflix,2025-08-09,2025-09-08\n" for n in range(count))


@pytest.fixture
def shop(village):
    house, standin = village.pair({}, "--delivered-ms", "-1", "--read-ms", "-1")
    house.serve(now=EVENING)
    house.api.service("Netflix", 1299)
    return house, standin


def begin(house, *words):
    """A command that goes on while we look; its process."""
    return subprocess.Popen([binary(), *map(str, words), "--config", str(house.config)], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def count(house, table):
    return house.sql(f"SELECT count(*) FROM {table}")[0][0]


def test_killed_while_planning_each_customer_still_gets_one_notice(shop):
    house, standin = shop
    house.import_csv(customers(MANY), "--commit")
    house.stop()
    dice, planned_in_parts = random.Random(), 0
    house.serve(now=MORNING)
    for _ in range(12):
        before = count(house, "notice")
        if before == MANY:
            break
        asked = begin(house, "renewals", "run")
        wanted = before + dice.randint(1, 300)
        house.hold_when("SELECT 1 WHERE (SELECT count(*) FROM notice) >= ?", min(wanted, MANY))
        house.kill()
        out, err = asked.communicate(timeout=60)
        planned_in_parts += 0 < count(house, "notice") < MANY
        house.serve(now=MORNING)
    assert planned_in_parts, "no kill fell into the planning: this run proved nothing"
    house.call("renewals", "run")
    wait_until(lambda: count(house, "notice WHERE message_id IS NOT NULL") == MANY, "all notices")
    wait_until(lambda: not house.sql("SELECT 1 FROM message WHERE state IN ('queued', 'sending') LIMIT 1"), "the rest")
    arrived = standin.counts()
    unsure = count(house, "message WHERE state = 'unsure'")
    assert count(house, "notice") == count(house, "message") == MANY
    assert arrived["duplicates"] == 0 and arrived["count"] >= MANY - unsure


def test_a_command_whose_server_is_killed_ends_with_a_sentence(shop):
    house, standin = shop
    house.import_csv(customers(1), "--commit")
    standin.set(magic={"+593983000000": "408"})
    house.stop()
    house.serve(now=MORNING)
    asked = begin(house, "renewals", "run", "--wait")
    wait_until(lambda: standin.received(), "the call")
    house.kill()
    out, err = asked.communicate(timeout=60)
    assert asked.returncode == 1 and len(err.strip().split("\n")) == 1 and err.strip(), (out, err)


def test_killed_while_taking_a_file_in_it_is_there_as_a_whole_or_not_at_all(shop):
    house, _ = shop
    path = house.folder / "clientes.csv"
    path.write_text(customers(4000))
    dice, hidden = random.Random(), 0
    asked = begin(house, "renewals", "import", path, "--commit")
    for life in range(10):
        wanted = count(house, "client") + dice.randint(1, 900)
        house.hold_when("SELECT 1 WHERE (SELECT count(*) FROM client) >= ?", min(wanted, 4000))
        house.kill()
        house.serve(now=f"2025-09-07T21:{life + 1:02}:00-05:00")     # what was begun goes on by itself
        hidden += count(house, "pending_generation")
        seen = house.api.get("clients?count=1")["count"]
        assert seen in (0, 4000), seen
        if seen == 4000:
            break
    asked.communicate(timeout=60)
    assert hidden, "no kill fell into the import: this run proved nothing"
    wait_until(lambda: house.api.get("subscriptions?count=1")["count"] == 4000, "the whole file")
    assert house.api.get("clients?count=1")["count"] == count(house, "client") == 4000
    assert count(house, "pending_generation") == 0


def test_stopped_politely_nothing_is_unsure(shop):
    house, standin = shop
    house.import_csv(customers(2000), "--commit")
    house.stop()
    house.serve(now=MORNING)
    house.run("renewals", "run")
    for left in (200, 500, 900, 1300):
        wait_until(lambda: standin.counts()["count"] >= left, "more notices", pause=0)
        assert house.stop() == 0
        house.serve(now=MORNING)
    wait_until(lambda: not house.sql("SELECT 1 FROM message WHERE state IN ('queued', 'sending') LIMIT 1"), "the rest")
    assert standin.counts()["count"] == 2000 and standin.counts()["duplicates"] == 0
    assert house.sql("SELECT state, count(*) FROM message GROUP BY state") == [("sent", 2000)]


def test_two_servers_never_work_on_one_folder(shop):
    house, _ = shop
    done = house.call("serve")
    assert done.returncode == 1 and "otro recado" in done.stderr and done.stdout == "", done
    assert house.is_alive()


def test_a_command_and_a_server_share_the_work(shop):
    """Many commands at once, through the one server: none is lost, none sees a busy database."""
    house, _ = shop
    netflix = house.api.all("services")[0]
    rows = [house.api.subscription(house.api.client(f"C{n}", f"+59398800{n:04}"), netflix, "2025-10-01")["id"]
            for n in range(12)]
    asked = [begin(house, "renewals", "renew", row, "--no-confirmation") for row in rows for _ in range(2)]
    codes = []
    for process in asked:
        out, err = process.communicate(timeout=120)
        codes.append((process.returncode, err))
    assert {code for code, _ in codes} == {0}, codes
    assert {s["ends_on"] for s in house.api.all("subscriptions")} == {"2025-11-30"}


def test_a_command_that_comes_while_the_server_starts_gets_through(shop):
    house, _ = shop
    for _ in range(4):
        caught = [begin(house, "renewals", "gateway") for _ in range(3)]
        house.stop()
        asked = [begin(house, "renewals", "gateway") for _ in range(3)]
        house.serve(now=EVENING)
        done = [(process.communicate(timeout=60), process.returncode) for process in asked]
        assert {code for _, code in done} == {0}, done
        for process in caught:                          # nobody can know whether a stopping server took it: it is said
            out, err = process.communicate(timeout=60)
            assert process.returncode == 0 or (process.returncode == 1 and err.strip()), (out, err)


@pytest.fixture
def small_disk(village):
    """A house on a file system of its own with 12 MB; root only."""
    room = village.folder / "1"
    room.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", room],
                                           capture_output=True).returncode != 0:
        room.rmdir()
        pytest.skip("a file system of its own needs root")
    try:
        house = village.house_in(room)
        house.serve(now=EVENING)
        house.api.service("Netflix", 1299)
        house.api.client("Ana", "+593988000001")
        yield house, room / "filler"
    finally:
        for made in village.made:
            made.close()
        subprocess.run(["umount", room], check=True)


def fill(path):
    """Take what room there is."""
    with open(path, "wb", buffering=0) as f:
        try:
            while f.write(b"x" * 65536) == 65536:
                pass
        except OSError:
            pass


def is_well_again(house, filler):
    filler.unlink()
    assert house.is_alive()
    assert house.api.call("POST", "clients", {"given_names": "Bea"}).status == 201
    assert {"Ana", "Bea"} <= {c["given_names"] for c in house.api.all("clients")}
    assert house.stop() == 0
    assert house.sql("PRAGMA integrity_check") == [("ok",)]


def test_a_full_disk_refuses_what_cannot_be_kept_and_loses_nothing(small_disk):
    house, filler = small_disk
    fill(filler)
    replies = [house.api.call("POST", "clients", {"given_names": f"C{n}", "notes": "x" * 1900}) for n in range(60)]
    assert 201 != replies[-1].status >= 500 and replies[-1].json["error"]["message"], replies[-1]
    made = [r.json["id"] for r in replies if r.status == 201]
    assert {c["id"] for c in house.api.all("clients")} >= set(made)
    is_well_again(house, filler)


@pytest.mark.parametrize("words", [["backup"], ["renewals", "import", "FILE"]], ids=["backup", "import"])
def test_a_command_on_a_full_disk_fails_with_a_sentence(small_disk, words, village):
    house, filler = small_disk
    path = village.folder / "clientes.csv"
    path.write_text(customers(3000))
    fill(filler)
    done = house.call(*[path if w == "FILE" else w for w in words])
    assert done.returncode == 1 and done.stderr.strip().split("\n")[-1].endswith(("?", ".")), done
    is_well_again(house, filler)
