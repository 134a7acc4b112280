"""Lists as people use them: columns in the address, files of what is shown, filters that can be taken off, archived rows."""
import csv
import io
import re

import pytest

from house import Village, text_of


@pytest.fixture(scope="module")
def shop():
    village = Village()
    house = village.house()
    house.serve(now="2025-09-08T10:00:00-05:00")
    for i in range(30):
        house.api.client(f"Nombre {i:02}", surnames="Lista", email=f"n{i}@example.com")
    house.api.client("Ana", surnames="Única", is_active=False, phone="0990000001")
    house.office = house.panel("dora")
    yield house
    village.close()


def test_columns_stand_in_the_address_and_go_into_the_file(shop):
    page = shop.office.page("/clients?columns=email&columns=name&columns=total_paid_cents&q=lista")
    heads = [text_of(h).strip() for h in re.findall(r"<th scope=\"col\".*?</th>", page)]
    assert heads[1:4] == ["Correo", "Cliente", "Total pagado"]
    link = re.search(r'href="(/clients\.csv\?[^"]*)"', page).group(1).replace("&amp;", "&")
    assert "columns=email,name,total_paid_cents" in link and "q=lista" in link
    rows = list(csv.reader(io.StringIO(shop.office.page(link).lstrip("\ufeff"))))
    assert rows[0] == ["id", "Correo", "Cliente", "Total pagado"] and len(rows) == 31
    older = re.search(r'rel="next" href="([^"]+)"', page).group(1)
    assert "columns=email,name" in older
    assert len(list(csv.reader(io.StringIO(shop.office.page("/clients.csv")))) [0]) > 10
    assert shop.api.call("GET", "clients?columns=emial").status == 400


def test_what_is_filtered_by_is_said_and_can_be_taken_off(shop):
    page = shop.office.page("/clients?state=inactive&q=unica")
    marks = re.findall(r'<a class="mark" href="([^"]+)">(.*?)</a>', page)
    assert [text_of(words).strip().split(" ×")[0] for _, words in marks] == ["Buscar: unica", "Estado: Inactivos"]
    assert [href.replace("&amp;", "&") for href, _ in marks] == ["/clients?state=inactive", "/clients?q=unica"]
    assert "Ana" in page and "Lista" not in text_of(page)
    assert 'href="/clients">Ver todo' in page


def test_a_name_that_fits_several_shows_whom_to_pick(shop):
    for i in range(101):             # more than a list to choose from has room for
        shop.api.client(f"Muchos {i:03}")
    reply = shop.office.send("GET", "/subscriptions?client=nombre")
    assert reply.status == 400 and "¿Cuál?" in reply.text
    picked = re.search(r'href="(/subscriptions\?client=[a-z2-7]{26})"', reply.text).group(1)
    assert "Cliente: <b>Nombre" in shop.office.page(picked)


def test_filters_are_folded_on_a_phone_without_script(shop):
    phone = {"User-Agent": "Mozilla/5.0 (Linux; Android 14) Mobile Safari/537.36 Mobi"}
    folded = shop.office.send("GET", "/clients?state=active", headers=phone).text
    assert re.search(r'<details class="filters" data-fold><summary>Filtros <span class="badge">1</span>', folded)
    assert '<details class="filters" data-fold open>' in shop.office.page("/clients")


def test_an_archived_customer_comes_back(shop):
    made = shop.api.client("Vuelve", surnames="Pronto")
    assert shop.api.call("DELETE", "clients/" + made["id"]).status == 200
    page = shop.office.page("/clients?archived=1")
    assert "Pronto" in page and "Lista" not in text_of(page)
    assert "Nombre" not in [c["given_names"] for c in shop.api.all("clients", archived=1)]
    page = shop.office.post(f"/clients/{made['id']}/restore")
    assert "está de nuevo en las listas" in page
    assert made["id"] in [c["id"] for c in shop.api.all("clients", q="pronto")]


def test_a_program_acts_on_a_whole_list_and_is_told_how_it_went(shop):
    reply = shop.api.call("POST", "clients/actions/archive", {"all": True, "filter": {"q": "muchos"}})
    assert reply.status == 202
    from house import wait_until
    end = wait_until(lambda: (lambda b: b if b["state"] == "done" else None)(shop.api.get("bulk/" + reply.json["bulk"])),
                     "the end")
    assert (end["rows_done"], end["rows_refused"]) == (101, 0)
    assert shop.api.all("clients", q="muchos") == []


def test_a_wrong_filter_leaves_the_others_as_they_were_chosen(shop):
    reply = shop.office.send("GET", "/subscriptions?state=expired&client=nadie-se-llama-asi")
    assert reply.status == 400 and "no se encontró" in text_of(reply.text)
    assert re.search(r'<option value="expired" selected>', reply.text)
    assert 'name="client" value="nadie-se-llama-asi"' in reply.text
    reply = shop.office.send("GET", "/clients?state=nada&q=lista")
    assert reply.status == 400 and 'name="q" value="lista"' in reply.text


def test_a_list_without_a_search_box_filters(shop):
    assert '<button type="submit">Filtrar</button>' in shop.office.page("/jobs")
    assert '<button type="submit">Buscar</button>' in shop.office.page("/clients")


def test_all_of_a_list_is_for_a_program_what_the_list_shows_a_program(shop):
    """A page of work leaves out what comes in unless asked; a program's list does not, nor does its “all”."""
    listed = shop.api.get("jobs?state=dead&count=1")["count"]
    reply = shop.api.call("POST", "jobs/actions/again", {"all": True, "filter": {"state": "dead"}})
    assert reply.status == 202
    bulk = shop.api.get("bulk/" + reply.json["bulk"])
    assert (bulk["list"], bulk["rows_total"]) == ("state=dead&defaults=no", listed)


def test_the_number_of_a_yes_is_one_of_ours(shop):
    made = shop.api.client("Numerada")
    reply = shop.office.send("POST", "/clients/actions/archive",
                             {"csrf": shop.office.csrf(), "all": "1", "list": "q=numerada", "confirmed": "1",
                              "number": "../../../../../../evil.com"[:26]})
    assert reply.status == 303 and re.fullmatch(r"/bulk/[a-z2-7]{26}", reply.headers["location"])
    assert made["id"]
