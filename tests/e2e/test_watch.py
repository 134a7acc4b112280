"""Sleeping well: was the house there, how busy it was, what grows; after crashes, planned stops and moved clocks."""
import re

import pytest

from house import request, text_of, wait_until

MORNING = "2025-09-08T08:30:00-05:00"


def metric(house, name, token):
    text = request(house.address, "GET", "/metrics", headers={"Authorization": "Bearer " + token}).text
    return float(re.search(rf"^{name} ([0-9.]+)$", text, re.M).group(1))


def noted(house):
    """Its run is in the database."""
    wait_until(lambda: house.sql("SELECT 1 FROM process_run WHERE stopped_at IS NULL"), "the note of the run")


def test_a_crash_counts_from_the_last_sign_of_life_and_a_planned_stop_is_told_apart(village):
    house = village.house()
    house.serve(now=MORNING)
    noted(house)
    house.kill()                                            # the power went, at half past eight
    house.serve(now="2025-09-08T10:30:00-05:00")
    wait_until(lambda: len(house.sql("SELECT 1 FROM process_run")) == 2, "the second run")
    house.stop()                                            # somebody stopped it for half an hour
    house.serve(now="2025-09-08T11:00:00-05:00")
    wait_until(lambda: len(house.sql("SELECT 1 FROM process_run")) == 3, "the third run")
    runs = house.sql("SELECT stopped_at IS NOT NULL, stop_reason FROM process_run ORDER BY id")
    assert runs == [(0, ""), (1, "stopped"), (0, "")]
    page = text_of(house.panel().page("/watch"))
    assert "terminó por sí sola" in page and "detenida por alguien" in page
    assert "2 h 00 min" in page and re.search(r"\b(29|30) min\b", page)
    # counted from its first start on, which it says: there for nearly nothing of two and a half hours
    assert "desde el 08/09/2025 08:30" in page
    share = metric(house, "recado_availability_ratio", house.token("prometheus", "metrics.view"))
    assert share < 0.01


def test_a_clock_that_goes_back_makes_no_gap(village):
    house = village.house()
    house.serve(now="2025-09-08T10:30:00-05:00")
    noted(house)
    house.stop()
    house.serve(now=MORNING)
    wait_until(lambda: len(house.sql("SELECT 1 FROM process_run")) == 2, "the second run")
    assert metric(house, "recado_availability_ratio", house.token("prometheus", "metrics.view")) == 1
    assert "Siempre estuvo." in text_of(house.panel().page("/watch"))


def test_what_the_house_did_is_drawn_and_the_home_page_says_whether_one_may_sleep(village):
    house = village.house()
    house.serve(now=MORNING)
    ana = house.panel()
    for _ in range(3):
        ana.page("/clients")
    # the clock goes on by two minutes: what was counted is written with the next look
    house.call("renewals", "run", "--dry-run", now="2025-09-08T08:32:30-05:00")
    rows = wait_until(lambda: house.sql("SELECT step, requests FROM sample WHERE requests > 0 ORDER BY step"), "figures")
    assert {step for step, _ in rows} == {"minute", "hour", "day"} and min(n for _, n in rows) >= 4
    for span in ("24h", "7d", "30d", "12m", "nonsense"):
        page = ana.page(f"/watch?span={span}")
        assert page.count("<svg") >= 2 and "chart" not in text_of(page)
    home = text_of(ana.page("/"))
    for words in ("Dormir tranquilo", "Disponibilidad", "Última copia comprobada", "Canales detenidos"):
        assert words in home, words


def test_the_page_is_for_those_who_may_see_it(village):
    house = village.house()
    house.serve(now=MORNING)
    seller = house.panel("pedro", role="seller")
    assert seller.send("GET", "/watch").status == 403
    assert "Dormir tranquilo" not in text_of(seller.page("/"))
    assert house.panel("ana", lang="en").page("/help/watch")


@pytest.mark.parametrize("path", ["/health", "/health/scheduler", "/health/worker", "/health/celery"])
def test_a_watching_machine_is_told_without_names_keys_or_figures_of_the_business(village, path):
    house = village.house()
    house.serve(now=MORNING)
    reply = wait_until(lambda: (r := request(house.address, "GET", path)).status == 200 and r, "the first look")
    assert reply.json["status"] == "ok" and reply.json["is_live"] and reply.json["is_ready"]
    assert reply.headers["cache-control"] == "no-store"
    if path == "/health":
        assert {"database", "database_write", "scheduler", "outbox", "worker", "disk", "channels", "gateway_set",
                "renewals_run"} <= set(reply.json["checks"])
        assert reply.json["figures"]["scheduler_heartbeat_s"] < 90
        assert list(reply.json["channels"].values()) == ["open"]
    assert "key-of-the-session" not in reply.text and "Cine" not in reply.text
