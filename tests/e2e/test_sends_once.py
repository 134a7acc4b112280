"""Nothing twice: what a person has to look at first after a copy was put back, and what a cut send goes on with."""
import sqlite3

import pytest

from house import text_of, wait_until
from test_sends_sending import SETTINGS, create, got, imported, people, shown, until


@pytest.fixture
def relay(village):
    standin = village.standin()
    house = village.house({**SETTINGS, "doppler.base_url": standin.address}, standin)
    return house, standin


def test_after_a_restore_no_send_goes_on_by_itself_even_when_the_channel_is_released(relay):
    house, standin = relay
    house.set("sends.parallel", "1")
    house.set("sends.pace_ms", "100")                             # twenty seconds, if nobody cuts it
    house.serve(secret=None)
    timed = imported(house, create(house, people(3, "hora"), scheduled_at="2036-01-01T09:00:00Z"))
    send = create(house, people(200, "copia"), send_now="1")
    wait_until(lambda: standin.counts()["accepted"] >= 10, "the first mails")
    copy = house.folder / "copy.tar"
    house.run("backup", "--to", copy)
    known = standin.counts()["accepted"]
    wait_until(lambda: standin.counts()["accepted"] >= known + 10, "more mails after the copy")
    house.kill()
    left = standin.counts()["accepted"]
    house.run("restore", copy)
    with sqlite3.connect(house.state / "recado.db") as line:  # its hour came between copy and restore
        line.execute("UPDATE bulk_send SET scheduled_at = created_at WHERE id = ?", (timed["number"],))
    line.close()
    house.serve(secret=None)
    for one, status in ((send, "paused"), (timed, "pending")):
        held = shown(house, one)
        assert (held["status"], held["status_why"]) == (status, "restored") and "copia" in held["status_words"]
    assert "copia" in text_of(house.panel().page("/sends/" + send["id"]))
    house.run("outbox", "resume", "doppler")                     # somebody opens it for something else
    house.run("sends", "process")
    house.stop()
    house.serve(secret=None)                                      # …nor does a start make it leave
    house.run("sends", "process")
    assert (shown(house, send)["status"], shown(house, timed)["status"]) == ("paused", "pending")
    assert standin.counts()["accepted"] == left
    house.set("sends.pace_ms", "0")
    house.run("sends", "resume", send["id"])                      # a person looked at it
    house.run("sends", "process", timed["id"])
    until(house, send, "done")
    until(house, timed, "done")
    assert len(got(standin)) == 203
