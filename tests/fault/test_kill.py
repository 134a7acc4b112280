"""kill -9 at any moment while two thousand notices leave: none twice, none lost, at most one per slot unsure."""
import http.client
import json
import os
import random

from house import wait_until

NOTICES, KILLS, SLOTS = 2000, 50, 8
MORNING = "2025-09-08T09:00:00-05:00"


def customers(count):
    lines = ["nombres,apellidos,telefono,servicio,fecha_inicio,fecha_vencimiento"]
    lines += [f"Cliente,{n:04},+5939820{n:05},Netflix,2025-08-09,2025-09-{8 + (0, 1, 3, 7)[n % 4]:02}" for n in range(count)]
    return "\n".join(lines) + "\n"


class Watcher:
    """Asks the stand-in how much arrived, on one open line: quick enough to aim with."""

    def __init__(self, standin):
        self.line = http.client.HTTPConnection(standin.address.split("//")[1])

    def count(self):
        self.line.request("GET", "/_standin/received?count=1")
        return json.loads(self.line.getresponse().read())["count"]


def a_life(house, watcher, dice, lives_left):
    """Serve until some more have left, then die at that moment. How many more is drawn; the end keeps some to do."""
    before = watcher.count()
    wanted = before + dice.randint(1, max(1, (NOTICES - before) // (lives_left + 1)))
    known = unsure_of(house)
    house.serve(now=MORNING)
    assert unsure_of(house) - known <= SLOTS, "one kill left more unsure than there are slots"
    wait_until(lambda: watcher.count() >= wanted or is_done(house), "more notices", pause=0)
    house.kill()
    return watcher.count() - before


def unsure_of(house):
    return house.sql("SELECT count(*) FROM message WHERE state = 'unsure'")[0][0]


def is_done(house):
    return not house.messages(state="queued") and not house.messages(state="sending")


def test_killed_fifty_times_while_notices_leave_nothing_is_sent_twice_and_nothing_is_lost(village):
    seed = int(os.environ.get("RECADO_SEED") or random.randrange(1 << 30))
    print(f"RECADO_SEED={seed}")
    house, standin = village.pair({"outbox.slots": str(SLOTS)}, "--delivered-ms", "-1", "--read-ms", "-1")
    house.serve(now="2025-09-07T21:00:00-05:00")
    house.api.service("Netflix", 1299)
    house.import_csv(customers(NOTICES), "--commit")
    house.stop()
    house.serve(now=MORNING)
    house.run("renewals", "run")
    house.kill()
    watcher, dice = Watcher(standin), random.Random(seed)
    steps = [a_life(house, watcher, dice, left) for left in range(KILLS - 1, 0, -1)]
    print("left per life:", steps)
    house.serve(now=MORNING)
    wait_until(lambda: is_done(house), "the rest")
    messages = house.messages()
    arrived = [row["to"] for row in standin.received()]
    states = {m["address"]: m["state"] for m in messages}
    unsure = {phone for phone, state in states.items() if state == "unsure"}

    print("unsure:", len(unsure), "of them arrived:", len(unsure & set(arrived)))
    assert len(messages) == len(states) == NOTICES
    assert len(arrived) == len(set(arrived)), "a notice arrived twice"
    assert set(states) - set(arrived) <= unsure, "a notice is lost"
    assert {phone for phone, state in states.items() if state == "sent"} == set(arrived) - unsure
    assert set(states.values()) <= {"sent", "unsure"}
    assert len(unsure) <= KILLS * SLOTS
    assert unsure, "no kill fell while a message was under way: this run proved nothing"
