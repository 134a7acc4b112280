"""/metrics as Prometheus reads it: its own judge, promtool, has nothing to say."""
import os
import pathlib
import re
import subprocess

import pytest

from house import request, wait_until

MORNING = "2025-09-08T08:30:00-05:00"


@pytest.fixture
def scrape(village):
    house = village.house()
    house.serve(now=MORNING)
    token = house.token("prometheus", "metrics.view")

    def ask():
        reply = request(house.address, "GET", "/metrics", headers={"Authorization": "Bearer " + token})
        assert reply.status == 200 and reply.headers["content-type"].startswith("text/plain; version=0.0.4")
        return reply.text
    return house, ask


def worked(house):
    house.api.subscription(house.api.client("Ana María", "+593989000001"), house.api.service(), "2025-09-08",
                           starts_on="2025-08-09")
    house.run_today()


def test_the_judge_of_prometheus_has_nothing_to_say(scrape):
    promtool = pathlib.Path(os.environ.get("RECADO_PROMTOOL") or "none")
    if not promtool.exists():
        pytest.skip("promtool could not be had")
    house, ask = scrape
    worked(house)
    done = subprocess.run([promtool, "check", "metrics"], input=ask(), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_every_family_has_words_and_a_kind_and_stands_together(scrape):
    house, ask = scrape
    worked(house)
    seen, current = {}, None
    for line in ask().strip().split("\n"):
        if line.startswith("# "):
            what, name = line[2:].split(" ")[:2]
            seen.setdefault(name, []).append(what)
            current = name
            continue
        name = re.match(r"[a-zA-Z_:][a-zA-Z0-9_:]*", line).group(0)
        assert re.sub(r"_(bucket|sum|count)$", "", name) == current or name == current, line
    assert all(words == ["HELP", "TYPE"] for words in seen.values()), seen
    for name in ("queue_depth", "dead_letters", "job_runs_total", "job_last_success_seconds", "recado_wal_bytes",
                 "recado_availability_ratio", "recado_start_time_seconds", "recado_http_request_seconds",
                 "renewals_notices_total", "renewals_due", "renewals_run_seconds", "renewals_last_success",
                 "renewals_subscriptions", "renewals_inbound_total", "renewals_revenue", "renewals_gateway_up"):
        assert name in seen, name


def value(text, name, **labels):
    want = "".join(rf'(?=[^}}]*{k}="{re.escape(v)}")' for k, v in labels.items())
    found = re.search(rf"^{name}(?:\{{{want}[^}}]*\}})? ([0-9.]+)$", text, re.M)
    return float(found.group(1)) if found else 0


def test_requests_and_runs_of_work_are_counted_up_and_only_up(scrape):
    house, ask = scrape
    before = ask()
    worked(house)
    assert request(house.address, "GET", "/nowhere").status == 404
    after = ask()
    assert value(after, "recado_http_request_seconds_count", **{"class": "api"}) >= \
        value(before, "recado_http_request_seconds_count", **{"class": "api"}) + 3
    assert value(after, "recado_http_responses_total", **{"class": "page", "status": "4xx"}) > \
        value(before, "recado_http_responses_total", **{"class": "page", "status": "4xx"})
    wait_until(lambda: value(ask(), "job_runs_total", task="renewals.plan", result="ok") == 1, "the run")
    assert value(ask(), "job_runs_total", task="renewals.plan", result="ok") == 1     # asked again, not counted again
    # buckets grow from left to right up to the count
    buckets = [int(n) for n in re.findall(r'^recado_http_request_seconds_bucket\{class="api",.*\} (\d+)$', after, re.M)]
    assert buckets == sorted(buckets) and buckets[-1] == value(after, "recado_http_request_seconds_count",
                                                              **{"class": "api"})


def test_how_old_the_backup_is_can_be_watched(scrape):
    house, ask = scrape
    assert "backup_age_seconds" not in ask()
    house.run("backup")
    assert re.search(r"^backup_age_seconds \d+\.\d+$", ask(), re.M)
