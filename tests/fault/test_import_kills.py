"""kill -9 in the middle of an import: judged, taken in, changed. After the next start it ends exactly as announced, and
nothing is there twice."""
import os
import pathlib
import random
import signal
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from test_import_any import send, settled  # noqa: E402

MANY, KILLS = 12000, 6
MORNING = "2025-09-08T10:00:00-05:00"


@pytest.fixture
def shop(village):
    house = village.house()
    house.serve(now=MORNING)
    house.api.service("Netflix", 1299)
    return house


def rows(count, note=""):
    return "Nombres,Apellidos,Teléfono,Notas\n" + "".join(f"C,{n:05},+593983{n:06},{note}\n" for n in range(count))


def state(house, import_id):
    return house.sql("SELECT state FROM import WHERE public_id = ?", import_id)[0][0]


def progress(house):
    return house.sql("SELECT progress_done, place_json FROM job ORDER BY id DESC LIMIT 1")[0]


def dice():
    seed = int(os.environ.get("RECADO_SEED") or random.randrange(1 << 30))
    print(f"RECADO_SEED={seed}")
    return random.Random(seed)


def hold_in_work(house, import_id, working):
    """It is held still when some more of the work was done, or all of it."""
    house.hold_when("SELECT 1 FROM import i, (SELECT progress_done, place_json FROM job ORDER BY id DESC LIMIT 1) j"
                    " WHERE i.public_id = ? AND (i.state <> ? OR j.progress_done IS NOT ? OR j.place_json IS NOT ?)",
                    import_id, working, *progress(house))


def lives(house, import_id, working, chance):
    """Serve, die at a drawn moment of the work, and again; the last life is left to end."""
    died = 0
    for _ in range(KILLS):
        hold_in_work(house, import_id, working)
        if state(house, import_id) != working:
            house.server.send_signal(signal.SIGCONT)
            break
        if died:                                    # the first one falls into the work on any machine
            house.server.send_signal(signal.SIGCONT)
            time.sleep(chance.random() * 0.1)
        house.kill()
        died += state(house, import_id) == working
        house.serve(now=MORNING)
    return died


def sound(house):
    assert house.sql("SELECT count(*) FROM pending_generation") == [(0,)]
    assert house.sql("SELECT * FROM pragma_integrity_check") == [("ok",)]
    assert house.sql("SELECT count(*) FROM pragma_foreign_key_check") == [(0,)]


def test_killed_while_a_file_is_judged_it_is_judged_to_the_end(shop):
    import_id = send(shop, "clients", rows(MANY * 4))["id"]
    died = lives(shop, import_id, "reading", dice())
    look = settled(shop, import_id)
    assert died and (look["state"], look["rows_new"], look["rows_wrong"]) == ("preview", MANY * 4, 0)
    assert shop.sql("SELECT count(*) FROM client") == [(0,)]
    sound(shop)


def test_killed_while_a_file_is_taken_in_everything_is_there_once(shop):
    import_id = send(shop, "clients", rows(MANY))["id"]
    assert settled(shop, import_id)["state"] == "preview"
    assert shop.api.call("POST", f"imports/{import_id}/confirm", {}).status == 202
    seen = []

    chance = dice()
    died = 0
    for _ in range(KILLS):
        hold_in_work(shop, import_id, "committing")
        shop.kill()
        died += state(shop, import_id) == "committing"
        shop.serve(now=MORNING)
        seen.append(shop.api.get("clients?count=1&limit=1")["count"])
        time.sleep(chance.random() * 0.05)
    done = settled(shop, import_id)
    assert died, "no kill fell into the work: this run proved nothing"
    assert (done["state"], done["made"][0]["count"], done["error"]) == ("done", MANY, "")
    assert set(seen) <= {0, MANY, 10001}, f"half of it was seen: {seen}"
    assert shop.sql("SELECT count(*), count(DISTINCT phone) FROM client") == [(MANY, MANY)]
    assert shop.sql("SELECT count(*), count(DISTINCT row_id) FROM audit WHERE table_name = 'client'") == [(MANY, MANY)]
    sound(shop)


def test_killed_while_known_rows_are_changed_all_of_them_end_changed(shop):
    import_id = send(shop, "clients", rows(MANY))["id"]
    settled(shop, import_id)
    shop.api.call("POST", f"imports/{import_id}/confirm", {})
    assert settled(shop, import_id)["state"] == "done"
    import_id = send(shop, "clients", rows(MANY, "cambiada"))["id"]
    assert settled(shop, import_id)["rows_update"] == MANY
    assert shop.api.call("POST", f"imports/{import_id}/confirm", {"on_duplicate": "update"}).status == 202
    died = lives(shop, import_id, "committing", dice())
    done = settled(shop, import_id)
    assert died and (done["state"], done["made"][1]["count"]) == ("done", MANY)
    assert shop.sql("SELECT count(*) FROM client WHERE notes = 'cambiada'") == [(MANY,)]
    changes = "SELECT count(*), count(DISTINCT row_id) FROM audit WHERE table_name = 'client' AND after_json LIKE '%cambiada%'"
    assert shop.sql(changes) == [(MANY, MANY)]
    sound(shop)


def test_killed_while_customers_and_subscriptions_come_each_is_made_and_paid_once(shop):
    text = "nombres,telefono,servicio,fecha_vencimiento,estado_pago\n" + "".join(
        f"C{n // 2},+593983{n // 2:06},Netflix,2025-{10 + n % 2}-08,{'pagado' if n % 3 == 0 else ''}\n" for n in range(MANY))
    import_id = send(shop, "clients", text)["id"]
    look = settled(shop, import_id)
    assert (look["rows_new"], look["rows_update"]) == (MANY // 2, MANY // 2)
    assert shop.api.call("POST", f"imports/{import_id}/confirm", {}).status == 202
    died = lives(shop, import_id, "committing", dice())
    done = settled(shop, import_id)
    assert died and done["state"] == "done" and [m["count"] for m in done["made"]] == [MANY // 2, MANY, 0]
    assert shop.sql("SELECT count(*), count(DISTINCT client_id || ends_on) FROM subscription") == [(MANY, MANY)]
    assert shop.sql("SELECT count(*), count(DISTINCT subscription_id) FROM payment") == [(MANY // 3, MANY // 3)]
    receipts, = shop.sql("SELECT count(receipt_number), max(receipt_number) FROM payment")
    assert receipts == (MANY // 3, MANY // 3), "a receipt's number is missing"
    sound(shop)
