"""Putting back an older copy: nothing leaves until a person has looked, and nothing the copy knew leaves again."""
import tarfile

import pytest

from house import text_of, wait_until

A, B = "+593987000001", "+593987000002"


def at(hour):
    return f"2025-09-08T{hour}:00-05:00"


@pytest.fixture
def shop(village):
    """A was told before the backup, B after it; the server is stopped and the older copy is back."""
    house, standin = village.pair({"outbox.slots": "1"}, "--delivered-ms", "-1", "--read-ms", "-1")
    house.serve(now=at("08:10"))
    netflix = house.api.service("Netflix", 1299)
    for name, phone, day in (("A", A, 8), ("B", B, 9)):
        house.api.subscription(house.api.client(name, phone), netflix, f"2025-09-{day:02}", starts_on="2025-08-09")
    house.run("renewals", "run", "--wait", "--stages", "0")
    house.archive = house.folder / "copy.tar"
    house.run("backup", "--to", house.archive)
    house.run("renewals", "run", "--wait", "--stages", "1")
    assert [row["to"] for row in standin.received()] == [A, B]
    house.stop()
    house.run("restore", house.archive)
    house.serve(now=at("08:30"))
    return house, standin


def gateway(house):
    return house.api.get("gateway")


def is_planned(house):
    """All of the day is planned; the run itself says that something still waits."""
    done = house.call("renewals", "run", "--wait")
    assert done.returncode in (1, 3), done
    return house.messages(state="queued")


def test_after_a_restore_nothing_leaves_until_a_person_says_so(shop):
    house, standin = shop
    assert (gateway(house)["state"], gateway(house)["why"]) == ("stopped", "restored")
    held = is_planned(house)
    assert [m["address"] for m in held] == [B]
    assert [row["to"] for row in standin.received()] == [A, B]
    panel = house.panel()
    for path in ("/", "/gateway"):
        page = text_of(panel.page(path))
        assert "copia" in page and "08/09/2025" in page, page        # since when, too
    assert B[-4:] in text_of(panel.page("/outbox?state=queued")).replace(" ", "")
    check = house.call("check")
    assert "copia" in check.stdout


def test_what_the_copy_knew_never_leaves_again(shop):
    house, standin = shop
    held, = is_planned(house)
    panel = house.panel()
    panel.post(f"/outbox/{held['id']}/cancel", confirmed="1")        # the person sees on the phone that B has it
    panel.post("/gateway/open")
    house.run("renewals", "run", "--wait")
    assert [row["to"] for row in standin.received()] == [A, B]
    assert gateway(house)["state"] == "open"


def test_released_without_looking_only_what_the_copy_did_not_know_leaves(shop):
    house, standin = shop
    is_planned(house)
    house.panel().post("/gateway/open")
    wait_until(lambda: not house.messages(state="queued"), "what was held")
    assert [row["to"] for row in standin.received()] == [A, B, B]


def test_the_released_channel_stays_open_after_the_next_start(shop):
    house, _ = shop
    house.panel().post("/gateway/open")
    house.stop()
    house.serve(now=at("09:30"))
    assert gateway(house)["state"] == "open"


def test_a_database_that_was_moved_without_its_note_is_held_too(village):
    house, standin = village.pair({}, "--delivered-ms", "-1", "--read-ms", "-1")
    house.serve(now=at("08:10"))
    house.api.subscription(house.api.client("A", A), house.api.service(), "2025-09-08", starts_on="2025-08-09")
    house.run_today()
    house.stop()
    (house.state / "last_seen").unlink()
    house.serve(now=at("08:30"))
    assert gateway(house)["why"] == "restored"


def test_a_copy_made_a_moment_ago_is_held_too(village):
    """Nothing left since the copy, and the server did not even end well: a restore always holds."""
    house, _ = village.pair({}, "--delivered-ms", "-1", "--read-ms", "-1")
    house.serve(now=at("08:10"))
    house.api.subscription(house.api.client("A", A), house.api.service(), "2025-09-08", starts_on="2025-08-09")
    house.run_today()
    copy = house.folder / "copy.tar"
    house.run("backup", "--to", copy)
    house.kill()
    house.run("restore", copy)
    house.serve(now=at("08:30"))
    assert gateway(house)["why"] == "restored"


def test_an_ordinary_restart_holds_nothing(village):
    house, _ = village.pair({}, "--delivered-ms", "-1", "--read-ms", "-1")
    for _ in range(3):
        house.serve(now=at("08:10"))
        assert gateway(house)["state"] == "open"
        house.run_today()
        house.stop()


def test_everything_but_the_key_and_the_note_is_in_the_copy(shop):
    house, _ = shop
    with tarfile.open(house.archive) as archive:
        names = archive.getnames()
    assert "recado.db" in names and "recado.ini" in names
    assert not [n for n in names if n.endswith("key") or "last_seen" in n]
    client = [c for c in house.api.all("clients") if c["given_names"] == "A"]
    assert client and client[0]["phone"] == A


def test_a_running_server_is_not_restored_under_its_feet(shop):
    house, _ = shop
    done = house.call("restore", house.archive)
    assert done.returncode != 0 and len(done.stderr.strip().split("\n")) == 1
    assert house.is_alive() and house.api.get("gateway")


@pytest.mark.parametrize("damage", ["cut", "nonsense", "missing"])
def test_a_damaged_copy_changes_nothing(shop, damage):
    house, _ = shop
    house.stop()
    bad = house.folder / "bad.tar"
    if damage == "cut":
        bad.write_bytes(house.archive.read_bytes()[:-200])
    elif damage == "nonsense":
        bad.write_bytes(b"nonsense" * 10000)
    before = (house.state / "recado.db").read_bytes()
    done = house.call("restore", bad)
    assert done.returncode in (1, 2) and len(done.stderr.strip().split("\n")) == 1, done.stderr
    assert (house.state / "recado.db").read_bytes() == before
    house.serve(now=at("08:40"))
    assert [c["given_names"] for c in house.api.all("clients")] == ["A", "B"]


def test_what_a_restore_put_aside_goes_after_a_month_and_a_newer_proof(village):
    house = village.house()
    copy = house.folder / "copy.tar"
    house.run("backup", "--to", copy, now=at("08:00"))
    house.run("restore", copy, now=at("09:00"))
    (house.state / "before-restore-of-mine").mkdir()             # no name of ours
    aside, = house.state.glob("before-restore-1*")
    assert "(carpetas: 1)" in house.call("check").stdout
    for now, is_there in (("2025-10-07T08:00:00-05:00", True), ("2025-10-08T10:00:00-05:00", False)):
        house.serve(now=now)
        wait_until(lambda: house.call("schedules", "run", "ops.backup", "--wait").returncode == 0, "a proved backup")
        house.stop()
        assert aside.exists() == is_there, now
    assert (house.state / "before-restore-of-mine").exists()
    assert "No se guarda nada de antes" in house.call("check").stdout
