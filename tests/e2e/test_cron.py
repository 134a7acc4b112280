"""/cron/notifications/: the address for an outside scheduler (spec §8)."""
import re

import pytest

from house import request, text_of, wait_until

DAY = "2025-09-08T08:30:00-05:00"
TOKEN = "correct-horse-battery"
PATHS = ["/cron/notifications/", "/subscriptions/cron/notifications/"]


def open_shop(village, customers=2, **settings):
    house, standin = village.pair({"renewals.cron_token": TOKEN, **settings}, "--delivered-ms", "-1", "--read-ms", "-1")
    house.serve(now=DAY)
    house.api.service("Netflix", 1299)
    rows = "".join(f"María,Peña,+5939860{n:05},Netflix,2025-09-08\n" for n in range(customers))
    house.import_csv("nombres,apellidos,telefono,servicio,fecha_vencimiento\n" + rows, "--commit")
    return house, standin


@pytest.fixture
def shop(village):
    return open_shop(village)


def call(house, path=PATHS[0], method="POST", token=TOKEN, headers=None):
    full = {**({"Authorization": "Bearer " + token} if token else {}), **(headers or {})}
    return request(house.address, method, path, headers=full)


@pytest.mark.parametrize("path", PATHS)
def test_without_a_token_in_the_settings_the_address_does_not_exist(village, path):
    house = village.house()
    house.serve()
    for token in (None, "", TOKEN):
        assert call(house, path, token=token).status == 404
    assert call(house, path, "GET").status == 404


@pytest.mark.parametrize("path", PATHS)
def test_without_the_right_token_nothing_starts(shop, path):
    house, standin = shop
    for token in (None, "", "wrong", TOKEN[:-1], TOKEN + "x"):
        assert call(house, path, token=token).status == 401, token
    assert call(house, path + "?token=" + TOKEN, token=None).status == 401
    assert house.api.all("batches") == [] and standin.received() == []


def test_only_posting_starts_a_run(shop):
    house, standin = shop
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        reply = call(house, method=method)
        assert (reply.status, reply.headers["allow"]) == (405, "POST"), method
    assert standin.received() == []


@pytest.mark.parametrize("headers, token", [({}, TOKEN), ({"X-Cron-Token": TOKEN}, None)], ids=["bearer", "header"])
def test_waiting_gives_the_whole_report_and_no_names_or_numbers(shop, headers, token):
    house, standin = shop
    reply = call(house, PATHS[0] + "?wait=1", token=token, headers=headers)
    assert reply.status == 200, reply
    report = reply.json
    assert {"success", "run_id", "local_date", "results", "total_sent"} <= set(report)
    assert (report["success"], report["local_date"], report["total_sent"]) == (True, "2025-09-08", 2)
    for row in report["results"]:
        assert {"days", "success", "found", "sent", "failed", "skipped", "output", "error"} <= set(row)
    assert [row["days"] for row in report["results"]] == [7, 3, 1, 0]
    assert report["results"][-1]["output"] == ("🚨 Buscando suscripciones que vencen HOY...\n"
                                               "   - Encontradas: 2 suscripciones\n"
                                               "   - Enviados: 2 WhatsApp URGENTE\n")
    assert len(standin.accepted()) == 2
    assert "María" not in reply.text and "Peña" not in reply.text and not re.search(r"\d{8}", reply.text)


def test_a_second_call_the_same_day_sends_nothing_new(shop):
    house, standin = shop
    call(house, PATHS[0] + "?wait=1")
    second = call(house, PATHS[1] + "?wait=1")
    assert (second.status, second.json["total_sent"]) == (200, 0)
    assert [row["found"] for row in second.json["results"]] == [0, 0, 0, 2]
    assert len(standin.accepted()) == 2


def test_without_waiting_the_answer_comes_at_once_and_the_notices_later(shop):
    house, standin = shop
    reply = call(house)
    assert reply.status == 202 and reply.json["success"] is True and reply.json["run_id"]
    wait_until(lambda: len(standin.accepted()) == 2, "the notices")
    assert {n["origin"] for n in house.notices()} == {"cron"}


def test_one_run_at_a_time(village):
    house, standin = open_shop(village, customers=8000)
    first, second = call(house), call(house, PATHS[0] + "?wait=1")
    assert first.status == 202
    assert second.status == 409 and second.json["success"] is False
    done = house.call("renewals", "run")
    assert done.returncode == 1 and "marcha" in done.stderr
    wait_until(lambda: standin.counts()["count"] == 8000, "the notices")
    assert standin.counts()["duplicates"] == 0


def test_ten_calls_an_hour(shop):
    house, _ = shop
    for _ in range(10):
        assert call(house, PATHS[0] + "?wait=1").status == 200
    reply = call(house)
    assert reply.status == 429 and int(reply.headers["retry-after"]) > 0
    house.run("renewals", "gateway", now="2025-09-08T09:35:00-05:00")
    assert call(house, PATHS[0] + "?wait=1").status == 200


def test_a_notice_that_cannot_be_known_makes_the_run_unsuccessful_and_says_so(shop):
    house, standin = shop
    standin.set(magic={"+593986000000": "500"})
    report = call(house, PATHS[0] + "?wait=1").json
    last = report["results"][-1]
    assert report["success"] is False and (last["success"], last["sent"]) == (False, 1) and last["error"]


def test_every_call_is_kept_and_shown_beside_the_runs(shop):
    house, _ = shop
    call(house, PATHS[0] + "?wait=1")
    for _ in range(3):
        call(house, token="wrong")
    rows = house.sql("SELECT status, sum(count) FROM cron_call GROUP BY status ORDER BY status")
    assert rows == [(200, 1), (401, 3)]
    page = text_of(house.panel().page("/renewals/runs"))
    assert "401" in page and "200" in page
