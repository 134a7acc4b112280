"""Who changed what: on the page of a thing, and in the log that nobody can change."""
import re

import pytest

from house import ROOT, Village, text_of


@pytest.fixture(scope="module")
def shop():
    village = Village()
    house = village.house()
    house.serve(now="2025-09-08T10:00:00-05:00")
    house.office = house.panel("dora")
    yield house
    village.close()


def test_a_change_is_told_by_who_where_and_through_which_door(shop):
    made = shop.api.client("Ana", surnames="Paz")
    page = shop.office.post(f"/clients/{made['id']}/edit", given_names="Eva", surnames="Paz", is_active="1")
    assert "Último cambio" in page and "dora" in page
    words = text_of(shop.office.page(f"/clients/{made['id']}/history"))
    assert "Página · 127.0.0.1" in words and "API · 127.0.0.1" in words
    assert re.search(r"Nombres Ana Eva", words)
    log = text_of(shop.office.page("/audit?table=client"))
    assert "Eva Paz" in log and "dora" in log and "token:tests" in log


def test_the_log_goes_into_files_and_to_programs(shop):
    row = shop.api.get("audit?table=client")["data"][0]
    assert row["action"] in ("create", "update") and row["object"] == "Eva Paz" and row["door"] in ("page", "api")
    assert "Cliente" in shop.office.page("/audit.csv?table=client")
    assert shop.office.send("GET", "/audit.xlsx?table=client").body[:2] == b"PK"


def test_only_the_owner_reads_it(shop):
    seller = shop.panel("saul", "seller")
    for path in ("/audit", "/audit.csv", "/audit/1"):
        assert seller.send("GET", path).status == 403


def test_no_door_changes_or_deletes_what_was_logged(shop):
    before = shop.sql("SELECT count(*), max(id) FROM audit")
    for method in ("POST", "PATCH", "PUT", "DELETE"):
        assert shop.api.call(method, "audit/1", {"actor": "x"}).status in (404, 405)
        assert shop.api.call(method, "audit", {"actor": "x"}).status in (404, 405)
    assert shop.sql("SELECT count(*), max(id) FROM audit") == before
    for path in [*ROOT.glob("app/**/*.c"), *ROOT.glob("db/*.c")]:
        assert not re.search(r"(UPDATE|DELETE FROM|REPLACE INTO) audit\b", path.read_text()), path
