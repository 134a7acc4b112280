"""What every page and call keeps to: fields named at once, a repeated write done once, text that stays text."""
import re

import pytest

from house import Panel, Village


@pytest.fixture(scope="module")
def office():
    """One served house for all tests of this file."""
    village = Village()
    house = village.house()
    house.serve(now="2025-09-08T10:00:00-05:00")
    house.add_user("dora", "owner")
    yield house
    village.close()


def test_wrong_fields_are_all_named_at_once(office):
    reply = office.api.call("POST", "clients", {"given_names": "", "phone": "12345", "email": "no"})
    assert reply.status == 400 and set(reply.json["error"]["fields"]) == {"given_names", "phone", "email"}
    reply = office.api.call("POST", "clients", {"given_name": "Ana"})
    assert reply.status == 400 and "given_names" in reply.text


def test_a_repeated_write_with_the_same_key_is_done_once(office):
    before = office.api.get("clients?count=1")["count"]
    replies = [office.api.call("POST", "clients", {"given_names": "Una Vez"}, {"Idempotency-Key": "k-1"}) for _ in range(3)]
    assert {r.status for r in replies} == {201} and len({r.json["id"] for r in replies}) == 1
    assert office.api.get("clients?count=1")["count"] == before + 1
    assert office.api.call("POST", "clients", {"given_names": "Otra"}, {"Idempotency-Key": "k-1"}).status in (409, 422)


def test_pages_forbid_what_they_do_not_need(office):
    reply = Panel(office, "dora").send("GET", "/clients")
    policy = reply.headers["content-security-policy"]
    assert "'unsafe-inline'" not in policy and "default-src" in policy
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_what_people_type_is_never_markup(office):
    office.api.client("<script>alert(1)</script>", surnames='"><b>x</b>', notes="{{csrf}} <img src=x onerror=alert(1)>")
    panel = Panel(office, "dora")
    row, = [c for c in office.api.all("clients") if c["given_names"].startswith("<script>")]
    for path in ("/clients", "/clients?q=%3Cscript%3E", "/clients/" + row["id"], f"/clients/{row['id']}/edit"):
        page = panel.page(path)
        assert "<script>alert" not in page and "<img src=x" not in page and "<b>x</b>" not in page, path


def test_a_list_as_csv_cannot_start_a_formula(office):
    office.api.client("=HYPERLINK(1)", surnames="@SUM(1)")
    csv = Panel(office, "dora").page("/clients.csv")
    assert not re.search(r'(^|[,;"])[=@]', csv, re.M), csv[:400]
