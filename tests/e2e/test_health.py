"""What tells the owner and a watching machine how the house is: /health, /metrics, check, the built-in stand-in."""
import json
import re
import sqlite3

import pytest

from house import request, text_of, wait_until

MORNING = "2025-09-08T08:30:00-05:00"


@pytest.fixture
def house(village):
    house = village.house()
    house.serve(now=MORNING)
    house.api.subscription(house.api.client("Ana María", "+593989000001"), house.api.service(), "2025-09-08",
                           starts_on="2025-08-09")
    return house


def test_health_is_open_and_tells_no_names_keys_or_prices(house):
    reply = wait_until(lambda: (r := request(house.address, "GET", "/health")).status == 200 and r, "the first look")
    assert "12.99" not in reply.text and "Ana" not in reply.text and "key-of-the-session" not in reply.text
    assert request(house.address, "HEAD", "/health").status == 200


def test_health_is_503_when_the_days_notices_were_not_planned(house):
    house.run_today()
    schedule, = [s for s in house.api.all("schedules") if s["name"] == "renewals.daily"]
    house.api.patch(f"schedules/{schedule['id']}", is_enabled=False)
    house.stop()
    house.serve(now="2025-09-09T09:31:00-05:00")
    wait_until(lambda: request(house.address, "GET", "/health").json["status"] == "failed", "the first look")
    assert request(house.address, "GET", "/health").status == 503
    assert request(house.address, "GET", "/health/live").text == "ok\n"
    done = house.call("check", now="2025-09-09T09:31:00-05:00")
    assert done.returncode == 1 and "recado renewals run" in done.stdout
    house.run_today()
    wait_until(lambda: request(house.address, "GET", "/health").status == 200, "the next look")


def test_work_of_a_module_that_is_switched_off_is_nobodys_trouble(village):
    house = village.house()
    line = sqlite3.connect(house.state / "recado.db")
    for queue in ("", "stays", "house"):
        line.execute("INSERT INTO job (kind, queue, run_at, created_at) VALUES ('stays.sync', ?, 1, 1)", (queue,))
    line.commit()
    line.close()
    house.serve(now=MORNING)
    wait_until(lambda: request(house.address, "GET", "/health").status == 200, "the first look")
    assert request(house.address, "GET", "/health/worker").status == 200
    assert house.sql("SELECT count(*) FROM job WHERE kind = 'stays.sync' AND state = 'queued'") == [(3,)]


def test_metrics_need_a_token_and_count_the_notices(house):
    assert request(house.address, "GET", "/metrics").status in (401, 303)
    house.run_today()
    token = house.token("prometheus", "metrics.view")
    text = request(house.address, "GET", "/metrics", headers={"Authorization": "Bearer " + token}).text
    sent = re.findall(r'^renewals_notices_total\{[^}]*stage="0"[^}]*\} (\d+)$', text, re.M)
    assert sum(map(int, sent)) == 1, text
    for name in ("renewals_due", "renewals_last_success", "renewals_subscriptions", "renewals_gateway_up"):
        assert re.search(rf"^{name}(\{{[^}}]*\}})? ", text, re.M), name
    assert "Ana" not in text and "593989000001" not in text
    for line in text.strip().split("\n"):
        assert re.fullmatch(r'#.*|[a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})? [0-9.eE+-]+', line), line


def test_check_names_what_needs_somebody_and_the_command_that_mends_it(village):
    house = village.house({"whatsapp.api_key": ""}, offline=False)
    done = house.call("check")
    assert "recado config set whatsapp.api_key" in done.stdout
    report = json.loads(house.call("check", json_out=True).stdout)
    assert {row["name"] for row in report["checks"]} > {"database", "gateway", "settings"}


def test_offline_nothing_leaves_and_what_would_have_left_can_be_seen_there(house):
    house.run_today()
    received = request(house.address, "GET", "/_standin/received").json
    assert [(r["provider"], r["to"]) for r in received] == [("wasender", "+593989000001")]
    assert "termina *hoy*" in received[0]["body"]
    assert "Modo sin conexión" in text_of(house.panel().page("/"))
    reset = request(house.address, "POST", "/_standin/reset")
    assert reset.status == 200 and request(house.address, "GET", "/_standin/received").json == []


def test_online_there_is_no_stand_in(village):
    house = village.house(offline=False)
    house.serve()
    assert request(house.address, "GET", "/_standin/received").status == 404


def test_the_log_has_no_names_numbers_texts_or_secrets(house):
    house.run_today()
    house.stop()
    log = house.log()
    for secret in ("Ana", "589000001", "989000001", "termina *hoy*", "key-of-the-session", house.token_text):
        assert secret not in log, secret


def test_every_list_is_a_page_json_and_csv(house):
    house.run_today()
    panel = house.panel()
    for name in ("clients", "services", "subscriptions", "payments", "notices", "jobs", "outbox"):
        assert panel.page("/" + name)
        assert isinstance(house.api.get(name)["data"], list)
        csv = panel.send("GET", f"/{name}.csv")
        assert csv.status == 200 and csv.headers["content-type"].startswith("text/csv"), name
        assert "attachment" in csv.headers["content-disposition"]
    assert "Ana" in panel.page("/clients.csv")


def test_the_made_up_customers_are_for_offline_mode_only_and_come_once(village):
    online = village.house(offline=False)
    assert online.call("demo").returncode == 2
    house = village.house()
    house.serve(now=MORNING)
    house.run("demo")
    count = house.api.get("clients?count=1")["count"]
    assert count > 5
    house.run("demo")
    assert house.api.get("clients?count=1")["count"] == count
