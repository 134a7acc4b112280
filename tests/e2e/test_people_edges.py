"""People at the edges: what comes back from the archive, what stays away, and who waits for whose guesses."""
import contextlib
import re
import sqlite3

import pytest

from house import PASSWORD, Api, Panel, request, text_of
from test_people import NEW, Clock, instant, knocks


def test_a_revoked_token_stays_revoked(village):
    house = village.house().serve()
    owner = house.panel("ana")
    program = Api(house, house.token("caja", "clients.view"))
    row, = [t for t in house.api.all("tokens") if t["name"] == "caja"]
    owner.post(f"/tokens/{row['id']}/archive")
    assert program.call("GET", "clients").status == 401
    assert "/restore" not in owner.page(f"/tokens/{row['id']}")
    assert "/restore" not in owner.page("/tokens?archived=1")
    for path in (f"/tokens/{row['id']}/restore", "/tokens/actions/restore"):
        reply = owner.send("POST", path, {"csrf": owner.csrf(), "ids": [row["id"]], "confirmed": "1"})
        assert reply.status == 404, reply
    assert house.api.call("POST", f"tokens/{row['id']}/restore", {}).status == 404
    assert program.call("GET", "clients").status == 401


def test_a_role_comes_back_under_its_name_unless_another_has_it(village):
    house = village.house().serve()
    house.panel("ana")
    till = house.api.post("roles", title="Caja", rights="clients.view")
    house.api.call("DELETE", f"roles/{till['id']}")
    assert house.api.call("POST", f"roles/{till['id']}/restore", {}).status == 200
    house.add_user("eva", "caja")                                    # found by its name again
    house.run("user", "archive", "eva")
    house.api.call("DELETE", f"roles/{till['id']}")
    house.api.post("roles", title="caja", rights="clients.view")
    reply = house.api.call("POST", f"roles/{till['id']}/restore", {})
    assert reply.status == 409 and "Caja" in reply.json["error"]["message"]
    eva, = [u for u in house.api.all("users", archived=1) if u["name"] == "eva"]
    reply = house.api.call("POST", f"users/{eva['id']}/restore", {})             # her role is away
    assert reply.status == 409 and "Caja" in reply.json["error"]["message"]


def test_nobody_lets_somebody_back_in_who_may_do_more(village):
    house = village.house().serve()
    house.panel("ana")
    house.add_user("eva")
    house.run("user", "archive", "eva")
    eva, = [u for u in house.api.all("users", archived=1) if u["name"] == "eva"]
    staff = Api(house, house.token("personal", "users.view,users.edit"))
    assert staff.call("POST", f"users/{eva['id']}/restore", {}).status == 403
    assert house.api.call("POST", f"users/{eva['id']}/restore", {}).status == 200


def test_an_open_screen_gives_no_new_password_without_the_old_one(village):
    house = village.house().serve()
    owner = house.panel("ana")
    me, = [u for u in house.api.all("users") if u["name"] == "ana"]
    page = owner.page(f"/users/{me['id']}/edit")
    assert 'name="password"' not in page and 'href="/me"' in page
    reply = owner.send("POST", f"/users/{me['id']}/edit", {"csrf": owner.csrf(), "role": "owner", "password": NEW})
    assert reply.status == 422 and "Mi cuenta" in reply.text
    assert Panel(house, "ana", PASSWORD).page("/")


def test_guesses_of_strangers_never_keep_the_right_link_out(village):
    house = village.house({"web.proxies": "127.0.0.1"})
    clock = Clock(house)
    house.add_user("ana")
    house.add_user("eva")
    for n in range(40):
        knocks(house, "ana", "adivina adivina", f"203.0.113.{n}")
        last = request(house.address, "GET", "/reset?code=adivina", None, {"X-Forwarded-For": f"203.0.113.{n}"})
    assert last.status == 429
    facts = house.run("user", "reset", "ana", json_out=True, now=instant(int(clock.now())))
    here = {"X-Forwarded-For": "198.51.100.7", "Content-Type": "application/x-www-form-urlencoded"}
    assert request(house.address, "GET", "/reset?code=" + facts["code"], None, here).status == 200
    reply = request(house.address, "POST", "/reset", f"code={facts['code']}&password={NEW.replace(' ', '+')}", here)
    assert reply.status == 303, reply
    for n in range(40):                                              # they go on guessing her name
        last = knocks(house, "ana", "adivina adivina", f"203.0.113.{100 + n}")
    assert last.status == 429
    assert knocks(house, "ana", NEW, "198.51.100.7").status == 303
    assert facts["code"] not in house.log()


def test_the_set_up_code_opens_also_while_strangers_guess(village):
    house = village.house({"web.proxies": "127.0.0.1"}).serve()
    code = house.sql("SELECT value FROM meta WHERE key = 'setup_code'")[0][0]
    for n in range(40):
        last = request(house.address, "GET", "/setup?code=adivina", None, {"X-Forwarded-For": f"203.0.113.{n}"})
    assert last.status == 429
    reply = request(house.address, "GET", "/setup?code=" + code, None, {"X-Forwarded-For": "198.51.100.7"})
    assert reply.status == 200 and re.search(r'name="password"', reply.text)


def test_a_new_token_of_an_old_name_gets_no_answer_meant_for_the_old_one(village):
    house = village.house().serve()
    house.panel("ana")
    old = Api(house, house.token("caja", "*"))
    body = {"title": "Turno de noche", "rights": "clients.view"}
    first = old.call("POST", "roles", body, {"Idempotency-Key": "uno"})
    assert first.status == 201
    assert old.call("POST", "roles", body, {"Idempotency-Key": "uno"}).headers["idempotency-replayed"] == "true"
    house.run("token", "revoke", "caja")
    new = Api(house, house.token("caja", "*"))
    reply = new.call("POST", "roles", body, {"Idempotency-Key": "uno"})
    assert "idempotency-replayed" not in reply.headers and reply.status == 400      # the name is taken by now


def test_what_is_refused_changes_nothing(village):
    house = village.house().serve()
    owner = house.panel("ana")
    house.add_user("eva", "seller")
    eva, = [u for u in house.api.all("users") if u["name"] == "eva"]
    for path, form in (("/me", {"language": "es", "current": PASSWORD}), (f"/users/{eva['id']}/edit", {"role": "reader"})):
        reply = owner.send("POST", path, {"csrf": owner.csrf(), "email": "nuevo@example.com", "password": "corta", **form})
        assert reply.status == 422 and "8 caracteres" in reply.text
    assert house.sql("SELECT u.email, r.name FROM user u JOIN role r ON r.id = u.role_id ORDER BY u.id") == [
        (None, "owner"), (None, "seller")]


def test_no_role_reads_like_a_built_in_one_in_either_language(village):
    house = village.house().serve()
    house.panel("ana")
    for title in ("Owner", "dueño", "VENDEDOR", "Reader"):
        reply = house.api.call("POST", "roles", {"title": title, "rights": ""})
        assert reply.status == 400 and list(reply.json["error"]["fields"]) == ["title"], title


@pytest.mark.parametrize("name, body", (("users", {"name": "eva", "role": "seller", "password": NEW}),
                                        ("tokens", {"name": "caja", "rights": ["clients.view"]})))
def test_a_program_makes_one_where_it_lists_them(village, name, body):
    house = village.house().serve()
    house.panel("ana")
    assert house.api.call("POST", name, body).status in (200, 201)
    assert body["name"] in [row["name"] for row in house.api.all(name)]
    assert house.api.call("POST", name, body).status in (400, 409)               # the name is taken


def test_what_a_person_made_stays_hers_under_another_name_and_nobody_elses(village):
    house = village.house().serve()
    house.panel("ana")
    eva = house.panel("eva", "seller")
    house.stop()
    with contextlib.closing(sqlite3.connect(house.state / "recado.db")) as line, line:
        for n, (kind, who) in enumerate((("de.eva", "eva"), ("de.casa", "system"))):
            line.execute("INSERT INTO batch (public_id, kind, created_by, created_at) VALUES (?, ?, ?, 1)",
                         (f"{n:026}", kind, who))
    house.serve()
    assert "de.eva" in eva.page("/batches")
    house.run("user", "rename", "eva", "Eva María")
    house.run("user", "rename", "eva maría", "Eva Paz")
    assert "de.eva" in eva.page("/batches")                               # hers, as before
    one, = [u for u in house.api.all("users") if u["name"] == "Eva Paz"]
    for name in ("eva", "Eva María"):
        assert "se llamaba antes" in house.call("user", "add", name, "--role", "seller", "--password-stdin",
                                                stdin=PASSWORD).stderr
    new = house.panel("eve", "seller")
    assert "de.eva" not in new.page("/batches")
    other, = [u for u in house.api.all("users") if u["name"] == "eve"]
    for name, status in (("eva", 409), ("Eva María", 409), ("System", 400), ("command", 400), ("Recado", 400)):
        assert house.api.call("PATCH", f"users/{other['id']}", {"name": name}).status == status, name
    assert "de.casa" not in new.page("/batches")
    assert house.api.call("PATCH", f"users/{one['id']}", {"name": "eva"}).status == 200   # her own of before


def test_a_person_gets_another_name_and_stays_logged_in(village):
    house = village.house().serve()
    owner, eva = house.panel("ana"), house.panel("eva", "seller")
    one, = [u for u in house.api.all("users") if u["name"] == "eva"]
    page = owner.post(f"/users/{one['id']}/edit", name="Eva María", role="seller", email="", language="")
    assert "Eva María" in text_of(page)
    assert "Eva María" in eva.page("/")                                   # the same session, the new name
    assert Panel(house, "eva maría").page("/")
    reply = Panel(house).send("POST", "/login", {"name": "eva", "password": PASSWORD})
    assert reply.status != 303                                            # the old name opens nothing
    assert "eva" in text_of(owner.page(f"/users/{one['id']}/history"))    # what it was stays written
    for name, status in (("ANA", 409), ("", 400), ("a/b", 400), ("x" * 61, 400)):
        assert house.api.call("PATCH", f"users/{one['id']}", {"name": name}).status == status, name
    taken = owner.send("POST", f"/users/{one['id']}/edit", {"csrf": owner.csrf(), "name": "ANA", "role": "seller"})
    assert taken.status == 422 and "Ya existe un usuario llamado “ANA”" in text_of(taken.text)
    staff = Api(house, house.token("personal", "users.view,users.edit"))
    boss, = [u for u in house.api.all("users") if u["name"] == "ana"]
    assert staff.call("PATCH", f"users/{boss['id']}", {"name": "otra"}).status == 403
    house.run("user", "rename", "eva maría", "eva")
    assert house.call("user", "rename", "eva", "ana").returncode == 1 and "Ya existe un usuario" in house.call(
        "user", "rename", "eva", "ana").stderr
    assert "eva" in eva.page("/") and house.api.get(f"users/{one['id']}")["name"] == "eva"
