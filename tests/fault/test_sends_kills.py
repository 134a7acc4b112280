"""kill -9 at any moment while a campaign leaves: no one skipped, no one twice, unsure at most the lines that were open.

The judge is the record of the provider's stand-in, a process of its own that lives on when the appliance dies.
"""
import collections
import http.client
import json
import os
import random

import pytest

from house import wait_until

SENDERS = 8
MORNING = "2026-03-02T09:00:00-05:00"
TEMPLATE = "panel"


def people(count):
    return "email,nombre,Valor\n" + "".join(f"cliente{n:05}@example.com,Cliente {n},{n}.00\n" for n in range(count))


def campaign(village, count, **settings):
    """A house whose mails go to a stand-in of its own, and a send that waits with so many recipients."""
    standin = village.standin()
    house = village.house({"doppler.base_url": standin.address, "doppler.api_key": "key", "doppler.account_id": "7",
                           "doppler.from_email": "avisos@example.com", "sends.pace_ms": "0",
                           "sends.parallel": str(SENDERS), **settings}, standin)
    path = house.folder / "personas.csv"
    path.write_text(people(count), encoding="utf-8")
    template = standin.get("/_standin/doppler")["templates"][0]["id"]
    send = house.run("sends", "create", path, "--template", template, "--hold", now=MORNING, json_out=True)
    return house, standin, send["id"]


class Record:
    """How many mails the stand-in took, on one open line: quick enough to aim with."""

    def __init__(self, standin):
        self.standin = standin
        self.line = http.client.HTTPConnection(standin.address.split("//")[1])

    def count(self):
        self.line.request("GET", "/_standin/received?count=1")
        return json.loads(self.line.getresponse().read())["count"]

    def arrived(self):
        """Address → how often; the stand-in lists its newest rows, so they are read in pieces as they come."""
        return collections.Counter(row["to"] for row in self.standin.received() if row["provider"] == "doppler")


def states(house):
    return dict(house.sql("SELECT state, count(*) FROM message GROUP BY state"))


def is_over(house, send):
    return house.sql("SELECT status FROM bulk_send WHERE public_id = ? OR id = ?", send, send)[0][0] in ("done", "error")


def judge(house, arrived, count, lives):
    """What holds at the end, whatever happened on the way."""
    found = dict(house.sql("SELECT c.address, m.state FROM message m JOIN contact c ON c.id = m.contact_id"))
    unsure = {to for to, state in found.items() if state == "unsure"}
    assert len(found) == count, "somebody was skipped"
    assert set(found.values()) <= {"sent", "delivered", "unsure"}
    assert [to for to, times in arrived.items() if times > 1] == [], "somebody got it twice"
    assert set(found) - set(arrived) <= unsure, "somebody was skipped and nobody knows"
    assert len(unsure) <= lives * SENDERS, "more unsure than lines were open"
    assert house.sql("SELECT * FROM pragma_integrity_check") == [("ok",)]
    return unsure


def killed_often(village, count, kills):
    seed = int(os.environ.get("RECADO_SEED") or random.randrange(1 << 30))
    print(f"RECADO_SEED={seed}")
    dice = random.Random(seed)
    house, standin, send = campaign(village, count)
    record, known = Record(standin), 0
    house.serve(now=MORNING)
    house.run("sends", "process", send)
    for left in range(kills, 0, -1):
        before = record.count()
        wanted = before + dice.randint(0, max(1, 2 * (count - before) // (left + 1)))
        wait_until(lambda: record.count() >= wanted or is_over(house, send), "more mails", pause=0)
        house.kill()
        house.serve(now=MORNING)
        unsure = states(house).get("unsure", 0)
        assert unsure - known <= SENDERS, "one kill left more unsure than lines were open"
        known = unsure
    wait_until(lambda: is_over(house, send), "the rest")
    unsure = judge(house, record.arrived(), count, kills)
    print("unsure:", len(unsure))
    return unsure


def test_a_campaign_killed_a_dozen_times_reaches_everybody_once(village):
    killed_often(village, 1500, 12)


@pytest.mark.long
def test_twenty_thousand_recipients_and_a_hundred_kills_reach_everybody_once(village):
    assert killed_often(village, 20000, 100), "no kill fell while a mail was under way: this run proved nothing"
