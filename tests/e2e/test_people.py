"""People: who gets in, with what, what they may do then, and how somebody who is locked out comes back."""
import base64
import hashlib
import hmac
import json
import re
import struct
import subprocess
import threading
import time

import pytest

from house import PASSWORD, PATIENCE, Api, Panel, request, text_of, wait_until
from person import Keys, Person, browser  # noqa: F401

START = 1757343610                    # 2025-09-08 10:00:10 in Guayaquil: ten seconds into a half minute
NEW = "otra clave bien larga"


def instant(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


class Clock:
    """The time in the house: it began at START when the server did, and jumps when somebody says so."""

    def __init__(self, house):
        self.house = house
        house.serve(now=instant(START))
        self.at, self.since = START, time.monotonic()

    def now(self):
        return self.at + time.monotonic() - self.since

    def jump(self, seconds):
        self.at, self.since = int(self.now()) + seconds, time.monotonic()
        self.house.run("renewals", "run", "--dry-run", now=instant(self.at))


class Phone:
    """The app: RFC 6238 with SHA-1, half minutes and six digits, written down from the standard."""

    def __init__(self, clock, secret):
        self.clock, self.key, self.last = clock, base64.b32decode(secret.replace(" ", "")), 0

    def at(self, step):
        sum_ = hmac.new(self.key, struct.pack(">Q", step), hashlib.sha1).digest()
        start = sum_[19] & 15
        return "%06d" % ((struct.unpack(">I", sum_[start:start + 4])[0] & 0x7fffffff) % 1000000)

    def code(self):
        """One that was not used yet; the clock moves on when all of now are used."""
        if self.last >= int(self.clock.now()) // 30:
            self.clock.jump(60)
        self.last = int(self.clock.now()) // 30
        return self.at(self.last)


def steps(house, name, password=PASSWORD):
    """The first page of the log-in: nobody is in yet."""
    panel = Panel(house)
    reply = panel.send("POST", "/login", {"name": name, "password": password})
    return panel, reply


def knocks(house, name, password, address, path="/login", **form):
    return request(house.address, "POST", path, f"name={name}&password={password.replace(' ', '+')}",
                   {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": address})


def set_up(clock, panel):
    """Through the pages as a person goes; the phone and the codes on paper."""
    page = panel.post("/me/second-factor/start")
    secret = re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page).group(1)
    assert secret.replace(" ", "") in re.search(r'href="(otpauth://[^"]+)"', page).group(1)
    phone = Phone(clock, secret)
    codes = panel.post("/me/second-factor/prove", code=phone.code(), current=PASSWORD)
    return phone, re.findall(r"<code>([a-z2-7]{5}-[a-z2-7]{5})</code>", codes)


def audit(house):
    return house.sql("SELECT action, table_name, actor, address, before_json, after_json FROM audit ORDER BY id")


# --- the second factor -------------------------------------------------------------------------------------

def test_a_password_and_a_phone_from_the_first_day_to_the_lost_phone(village):
    house = village.house({"business.name": "Cine en Casa"})
    clock = Clock(house)
    house.add_user("ana")
    ana = Panel(house, "ana")
    old_cookie = dict(ana.cookies)
    elsewhere = Panel(house, "ana")

    # A wrong code changes nothing; the right one switches it on, and other sessions end.
    page = ana.post("/me/second-factor/start")
    phone = Phone(clock, re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', page).group(1))
    left_open = ana.send("POST", "/me/second-factor/prove", {"csrf": ana.csrf(), "code": phone.code(), "current": "no"})
    assert left_open.status == 422 and Panel(house, "ana").page("/")  # a screen left open ties nobody's phone to it
    wrong = ana.send("POST", "/me/second-factor/prove", {"csrf": ana.csrf(), "code": "000000", "current": PASSWORD})
    assert wrong.status == 422 and "no es correcto" in wrong.text
    assert Panel(house, "ana").page("/")                             # still the password alone
    codes = re.findall(r"<code>([a-z2-7]{5}-[a-z2-7]{5})</code>",
                       ana.post("/me/second-factor/prove", code=phone.code(), current=PASSWORD))
    assert len(codes) == len(set(codes)) == 10
    assert elsewhere.send("GET", "/").status == 303
    ana.page("/")
    assert ana.cookies["recado_session"] != old_cookie["recado_session"]   # a session worth more has another id
    stale = Panel(house)
    stale.cookies = old_cookie
    assert stale.send("GET", "/").headers["location"].startswith("/login")
    assert "otpauth" not in ana.page("/me/second-factor")            # the secret is never shown again

    # The password alone opens nothing.
    half, reply = steps(house, "ana")
    assert reply.headers["location"] == "/login/code" and "recado_session" not in half.cookies
    for path in ("/", "/clients", "/api/v1/clients", "/me", "/me/second-factor"):
        assert half.send("GET", path, headers={"Accept": "text/html"}).status in (303, 401)
    code = phone.code()
    assert half.send("POST", "/login/code", {"code": code}).headers["location"] == "/"
    half.page("/clients")

    # A code is good once, even within its half minute.
    again, _ = steps(house, "ana")
    refused = again.send("POST", "/login/code", {"code": code})
    assert refused.status == 403 and "ya se usó" in refused.text
    assert again.send("POST", "/login/code", {"code": code[:3] + " " + code[3:]}).status == 403
    assert again.send("GET", "/").status == 303

    # The lost phone: a code from paper in the same field, once.
    assert again.send("POST", "/login/code", {"code": codes[3].upper()}).status == 303
    again.page("/me/second-factor")
    assert "Códigos de recuperación que quedan: 9" in text_of(again.page("/me/second-factor"))
    other, _ = steps(house, "ana")
    assert other.send("POST", "/login/code", {"code": codes[3]}).status == 403
    assert other.send("POST", "/login/code", {"code": codes[4].replace("-", "")}).status == 303

    # New codes make the old ones worthless.
    fresh = re.findall(r"<code>([a-z2-7]{5}-[a-z2-7]{5})</code>", other.post("/me/second-factor/codes", code=phone.code()))
    assert len(fresh) == 10 and not set(fresh) & set(codes)
    third, _ = steps(house, "ana")
    assert third.send("POST", "/login/code", {"code": codes[5]}).status == 403

    # Nothing of it is readable in the database or its history.
    everything = json.dumps(audit(house)) + json.dumps(house.sql("SELECT totp_secret FROM user"))
    assert base64.b32encode(phone.key).decode() not in everything and fresh[0] not in everything
    assert [row[0] for row in audit(house)].count("recovery_code_used") == 2

    # Off again: password and code.
    token = other.csrf()
    assert other.send("POST", "/me/second-factor/off", {"csrf": token, "current": "no", "code": phone.code()}).status == 422
    assert other.send("POST", "/me/second-factor/off", {"csrf": token, "current": PASSWORD, "code": "123456"}).status == 422
    other.post("/me/second-factor/off", current=PASSWORD, code=phone.code())
    assert steps(house, "ana")[1].headers["location"] == "/"


def test_half_a_log_in_is_over_after_five_minutes(village):
    house = village.house()
    clock = Clock(house)
    house.add_user("ana")
    phone, _ = set_up(clock, Panel(house, "ana"))
    half, _ = steps(house, "ana")
    clock.jump(270)                     # what the machine itself takes counts, too
    assert half.page("/login/code")
    clock.jump(60)
    assert half.send("GET", "/login/code").headers["location"] == "/login"
    assert half.send("POST", "/login/code", {"code": phone.code()}).headers["location"] == "/login"
    assert half.send("GET", "/").status == 303


def test_six_digits_cannot_be_guessed(village):
    house = village.house()
    clock = Clock(house)
    house.add_user("ana")
    phone, codes = set_up(clock, Panel(house, "ana"))
    half, _ = steps(house, "ana")
    tries = [half.send("POST", "/login/code", {"code": "%06d" % n}) for n in range(8)]
    assert [t.status for t in tries[:4]] == [403] * 4
    assert tries[4].status == 429 and int(tries[4].headers["retry-after"]) >= 2
    assert half.send("POST", "/login/code", {"code": codes[0]}).status == 429     # not even with the right one
    clock.jump(70)
    assert half.send("POST", "/login/code", {"code": codes[0]}).status == 303


def test_where_everybody_needs_one_nothing_opens_before_it_is_set_up(village):
    house = village.house({"web.second_factor": "required"})
    clock = Clock(house)
    house.add_user("ana")
    ana = Panel(house, "ana")
    assert ana.send("GET", "/").headers["location"] == "/me/second-factor"
    assert ana.send("GET", "/clients").headers["location"] == "/me/second-factor"
    refused = ana.send("GET", "/clients", headers={"Accept": "application/json"})
    assert refused.status == 403 and refused.json["error"]["code"] == "second_factor"
    page = ana.page("/me/second-factor")
    csrf = re.search(r'name="csrf" value="([^"]+)"', page).group(1)
    assert "configúralo ahora" in page
    assert ana.send("POST", "/clients/new", {"csrf": csrf, "given_names": "X"}).status in (303, 403)
    ana.send("POST", "/me/second-factor/start", {"csrf": csrf})
    phone = Phone(clock, re.search(r'<code class="secret">([A-Z2-7 ]+)</code>', ana.page("/me/second-factor")).group(1))
    assert ana.send("POST", "/me/second-factor/prove", {"csrf": csrf, "code": phone.code(), "current": PASSWORD}).status == 200
    ana.page("/clients")
    assert "Quitarlo" not in ana.page("/me/second-factor")
    assert ana.send("POST", "/me/second-factor/off",
                    {"csrf": ana.csrf(), "current": PASSWORD, "code": phone.code()}).status == 422
    assert house.api.get("clients")["data"] == []                    # programs have tokens, not phones
    assert house.sql("SELECT count(*) FROM client") == [(0,)]


def test_the_owner_switches_off_the_second_factor_of_somebody_who_lost_the_phone(village):
    house = village.house()
    clock = Clock(house)
    owner = house.panel("ana")
    house.add_user("eva", "seller")
    set_up(clock, Panel(house, "eva"))
    eva = {u["name"]: u for u in house.api.all("users")}["eva"]
    assert eva["has_second_factor"] is True and "totp_secret" not in json.dumps(eva)
    assert "segundo factor" in owner.page(f"/users/{eva['id']}/reset-second-factor")
    owner.post(f"/users/{eva['id']}/reset-second-factor", confirmed="1")
    assert steps(house, "eva")[1].headers["location"] == "/"
    assert ("second_factor_reset", "user", "ana") in [row[:3] for row in audit(house)]


# --- the link for the locked-out ------------------------------------------------------------------------------

@pytest.mark.parametrize("is_running", [True, False], ids=["beside the server", "without a server"])
def test_the_command_lets_the_locked_out_in_again(village, is_running):
    house = village.house({"web.public_url": "https://panel.example.com"})
    clock = Clock(house)
    house.add_user("ana")
    set_up(clock, Panel(house, "ana"))
    inside, reply = steps(house, "ana")
    for _ in range(8):
        steps(house, "ana", "adivina")
    assert steps(house, "ana")[1].status == 429
    if not is_running:
        house.stop()
    said = house.run("user", "reset", "ana", "--second-factor-off")
    link = re.search(r"https://panel\.example\.com(/reset\?code=\w+)", said).group(1)
    if not is_running:
        house.serve(now=instant(int(clock.now())))
    panel = Panel(house)
    assert "ana" in panel.page(link)
    code = link.split("=")[1]
    short = panel.send("POST", "/reset", {"code": code, "password": "corta", "password_again": "corta"})
    assert short.status == 400
    differs = panel.send("POST", "/reset", {"code": code, "password": NEW, "password_again": NEW + "x"})
    assert differs.status == 400
    assert panel.send("POST", "/reset", {"code": code, "password": NEW, "password_again": NEW}).status == 303
    assert steps(house, "ana", NEW)[1].headers["location"] == "/"     # at once: the wrong tries are forgotten
    assert steps(house, "ana", PASSWORD)[1].status == 403
    assert panel.send("GET", link).status == 403                      # good once
    assert code not in json.dumps(audit(house))
    assert "reset" in [row[0] for row in audit(house)]


def test_a_reset_link_is_good_for_half_an_hour_and_keeps_the_phone(village):
    house = village.house()
    clock = Clock(house)
    house.add_user("ana")
    phone, _ = set_up(clock, Panel(house, "ana"))
    facts = house.run("user", "reset", "ana", json_out=True, now=instant(clock.now()))
    assert facts["has_second_factor"] is True and facts["code"] in facts["url"]
    clock.jump(29 * 60)
    assert Panel(house).page("/reset?code=" + facts["code"])
    clock.jump(61)
    assert Panel(house).send("GET", "/reset?code=" + facts["code"]).status == 403
    facts = house.run("user", "reset", "ana", json_out=True, now=instant(clock.now()))
    assert Panel(house).send("POST", "/reset", {"code": facts["code"], "password": NEW}).status == 303
    half, reply = steps(house, "ana", NEW)
    assert reply.headers["location"] == "/login/code"
    assert half.send("POST", "/login/code", {"code": phone.code()}).status == 303
    assert "ana" in house.run("user", "reset", "ana", "--password-stdin", stdin=PASSWORD + "\n")


def test_the_commands_about_people_say_what_they_did(village):
    house = village.house()
    house.add_user("ana")
    house.add_user("eva", "seller")
    rows = {row["name"]: row for row in house.run("user", "list", json_out=True)}
    assert rows["ana"]["role"] == "owner" and rows["eva"]["has_second_factor"] is False
    assert "eva" in house.run("user", "list")
    house.run("user", "role", "eva", "reader")
    house.run("user", "password", "eva", "--password-stdin", stdin=NEW + "\n")
    assert "owner" in house.call("user", "role", "eva", "jefa", lang="en").stderr     # says what there is
    assert house.call("user", "role", "ana", "reader").returncode != 0                # the last owner
    assert house.call("user", "archive", "ana").returncode != 0
    house.run("user", "archive", "eva")
    assert [row["name"] for row in house.run("user", "list", json_out=True)] == ["ana"]
    assert {row["name"] for row in house.run("user", "list", "--all", json_out=True)} == {"ana", "eva"}
    assert {row["name"]: row["rights"] for row in house.run("role", "list", json_out=True)}["owner"] == "*"
    house.run("token", "add", "La caja nueva (2.º piso), ¡ojo!", "--rights", "clients.view", "--expires", "90")
    token, = house.run("token", "list", json_out=True)
    assert token["state"] == "valid" and token["expires_at"]
    house.run("token", "revoke", token["name"])
    assert house.run("token", "list", json_out=True) == []
    assert house.call("token", "add", "x", "--rights", "clients.view", "--expires", "mañana").returncode == 2


# --- roles ----------------------------------------------------------------------------------------------------

def matrix(panel):
    """The page as its form would send it: what is ticked, and what it was made from."""
    page = panel.page("/roles/rights")
    ticked = re.findall(r'name="grant" value="([^"]+)" checked', page)
    return page, ticked, re.findall(r'name="seen" value="([^"]+)"', page)


def test_a_right_given_or_taken_counts_at_once_in_another_window(village):
    house = village.house()
    house.serve()
    owner, seller = house.panel("ana"), house.panel("eva", "seller")
    roles = {row["name"]: row for row in house.api.all("roles")}
    assert seller.send("GET", "/texts").status == 403
    page, ticked, seen = matrix(owner)
    assert "Solo lo propio" in page and "lo suyo" in page            # what a seller sees is his own
    grant = f"{roles['seller']['id']}:templates.view"
    assert grant not in ticked
    owner.post("/roles/rights", grant=[*ticked, grant], seen=seen)
    seller.page("/texts")
    _, now, seen_now = matrix(owner)
    assert set(now) == {*ticked, grant}
    # A page that is out of date changes nothing.
    stale = owner.send("POST", "/roles/rights", {"csrf": owner.csrf(), "grant": ticked, "seen": seen})
    assert stale.status == 409 and grant in matrix(owner)[1]
    owner.post("/roles/rights", grant=ticked, seen=seen_now)
    assert seller.send("GET", "/texts").status == 403
    changes = [json.loads(row[5])["rights"].split() for row in audit(house) if row[:3] == ("update", "role", "ana")]
    assert "templates.view" in changes[0] and "templates.view" not in changes[1]
    assert "templates.view" in owner.page(f"/roles/{roles['seller']['id']}/history")


def test_own_roles_are_made_copied_renamed_and_put_away(village):
    house = village.house()
    house.serve()
    owner = house.panel("ana")
    owner.post("/roles/new", title="Contabilidad")
    api = house.api
    role = {r["title"]: r for r in api.all("roles")}["Contabilidad"]
    assert role["rights"] == "" and role["name"] == "contabilidad"
    api.patch(f"roles/{role['id']}", rights="clients.view payments.view")
    assert api.call("PATCH", f"roles/{role['id']}", {"rights": "clients.vew"}).json["error"]["fields"]["rights"]
    assert api.call("PATCH", f"roles/{role['id']}", {"rights": "*"}).status == 400
    owner.post(f"/roles/{role['id']}/copy")
    copy = [r for r in api.all("roles") if r["title"].startswith("Contabilidad (")][0]
    assert copy["rights"] == "clients.view payments.view"
    api.patch(f"roles/{copy['id']}", title="Caja")
    assert api.call("PATCH", f"roles/{copy['id']}", {"title": "CONTABILIDAD"}).status in (400, 409)
    house.add_user("eva", "contabilidad")
    assert Panel(house, "eva").send("GET", "/notices").status == 403
    page = owner.send("POST", f"/roles/{role['id']}/archive", {"csrf": owner.csrf(), "confirmed": "1"})
    assert page.status == 409 and "1 usuario" in page.text
    house.run("user", "role", "eva", "caja")
    owner.post(f"/roles/{role['id']}/archive", confirmed="1")
    owner.post("/roles/new", title="Contabilidad")                   # the name is free again
    roles = {r["name"]: r for r in api.all("roles")}
    for name in ("owner", "seller"):
        assert api.call("DELETE", f"roles/{roles[name]['id']}").status == 409
        assert api.call("PATCH", f"roles/{roles[name]['id']}", {"title": "Otra"}).status == 400
    assert api.call("PATCH", f"roles/{roles['owner']['id']}", {"rights": "clients.view"}).status == 409


def test_nobody_gives_a_right_he_does_not_have_nor_reaches_somebody_who_may_more(village):
    house = village.house()
    house.serve()
    house.add_user("ana")
    house.add_user("luz", "seller")
    api = house.api
    made = api.post("roles", title="Personal", rights="users.view users.edit clients.view")
    house.add_user("paco", "personal")
    paco = Panel(house, "paco")
    users = {u["name"]: u for u in api.all("users")}
    roles = {r["name"]: r for r in api.all("roles")}
    owner_page = paco.page(f"/users/{users['luz']['id']}/edit")
    assert 'value="owner"' not in owner_page                         # not even offered
    token = paco.csrf()

    def tries(path, **form):
        return paco.send("POST", path, {"csrf": token, **form}).status

    assert tries("/users/new", name="zoe", role="owner", password=NEW) == 403
    assert tries(f"/users/{users['paco']['id']}/edit", role="owner", email="", language="") == 403
    assert tries(f"/users/{users['ana']['id']}/edit", email="", language="", password=NEW) == 403
    assert tries(f"/users/{users['ana']['id']}/edit", role="personal", email="", language="") == 403
    assert tries(f"/users/{users['ana']['id']}/end-sessions", confirmed="1") in (403, 409)
    assert tries(f"/users/{users['ana']['id']}/leave") == 403
    assert tries(f"/users/{users['ana']['id']}/archive", confirmed="1") == 403
    assert tries("/roles/rights", seen=f"{made['id']}:0", grant=f"{made['id']}:settings.edit") in (403, 409)
    page, ticked, seen = matrix(paco)
    assert tries("/roles/rights", seen=seen, grant=[*ticked, f"{made['id']}:payments.view"]) == 403
    assert 'settings.view"' not in re.sub(r"<code.*?</code>", "", page)
    assert steps(house, "ana")[1].status == 303                      # the owner is as before
    assert roles["personal"]["rights"] == {r["name"]: r for r in api.all("roles")}["personal"]["rights"]
    assert tries("/users/new", name="zoe", role="personal", password=NEW) == 303


# --- sessions ---------------------------------------------------------------------------------------------------

def test_a_person_sees_where_she_is_logged_in_and_ends_it(village):
    house = village.house()
    house.serve()
    here = house.panel("ana")
    phone = Panel(house)
    phone.send("POST", "/login", {"name": "ana", "password": PASSWORD},
               {"User-Agent": "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36"})
    third = Panel(house, "ana")
    page = here.page("/me/sessions")
    assert "Chrome en Android" in text_of(page) and page.count("Esta</span>") == 1
    there = re.search(r'name="session" value="(\d+)"><button[^>]*>[^<]*<span[^>]*> Chrome', page).group(1)
    here.post("/me/sessions", session=there)
    assert phone.send("GET", "/").status == 303 and third.page("/")
    here.post("/me/sessions")
    assert third.send("GET", "/").status == 303 and here.page("/")
    # Another's session cannot be ended by its number.
    eva = house.panel("eva", "seller")
    number = house.sql("SELECT s.id FROM session s JOIN user u ON u.id = s.user_id WHERE u.name = 'ana'")[0][0]
    eva.post("/me/sessions", session=number)
    assert here.page("/")
    users = {u["name"]: u for u in house.api.all("users")}
    assert eva.send("POST", f"/users/{users['ana']['id']}/sessions", {"csrf": eva.csrf(), "session": number}).status == 403
    # The owner ends another's from that person's page.
    hers = house.sql("SELECT s.id FROM session s JOIN user u ON u.id = s.user_id WHERE u.name = 'eva'")[0][0]
    assert f'value="{hers}"' in here.page(f"/users/{users['eva']['id']}")
    here.post(f"/users/{users['eva']['id']}/sessions", session=hers)
    assert eva.send("GET", "/").status == 303
    assert [row[2] for row in audit(house) if row[0] == "sessions_end"] == ["ana", "ana", "ana"]


def test_whoever_may_less_or_has_a_new_password_logs_in_again(village):
    house = village.house()
    house.serve()
    owner, eva = house.panel("ana"), house.panel("eva", "seller")
    house.run("user", "role", "eva", "owner")
    eva.page("/settings")                                            # more rights: the session goes on
    house.run("user", "role", "eva", "seller")
    assert eva.send("GET", "/").status == 303                        # fewer: it ends
    eva = Panel(house, "eva")
    wrong = eva.send("POST", "/me", {"csrf": eva.csrf(), "current": "no es", "password": NEW, "email": "", "language": ""})
    assert wrong.status == 422
    other = Panel(house, "eva")
    eva.send("POST", "/me", {"csrf": eva.csrf(), "current": PASSWORD, "password": NEW, "email": "", "language": ""})
    assert other.send("GET", "/").status == 303
    assert Panel(house, "eva", NEW).page("/")
    # Guessing there is as slow as at the door.
    eva = Panel(house, "eva", NEW)
    token = eva.csrf()
    seen = [eva.send("POST", "/me", {"csrf": token, "current": "no", "password": "x" * 9, "email": "", "language": ""}).status
            for _ in range(6)]
    assert seen[0] == 422 and seen[-1] == 429


# --- tokens -----------------------------------------------------------------------------------------------------

def test_a_token_ends_on_its_day_and_never_may_more_than_its_user(village):
    house = village.house()
    clock = Clock(house)
    owner = house.panel("ana")
    house.add_user("eva", "seller")
    text = house.run("token", "add", "till", "--rights", "*", "--user", "eva", "--expires", "30", now=instant(clock.now())).strip()
    program = Api(house, text)
    assert program.get("clients")["data"] == []
    assert program.call("GET", "users").status == 403                # eva may not either
    house.run("user", "role", "eva", "owner")
    assert program.get("users")["data"]
    house.run("user", "role", "eva", "seller")
    assert program.call("GET", "users").status == 403                # at once
    used = house.sql("SELECT last_used_at FROM api_token WHERE name = 'till'")[0][0]
    program.get("clients")
    assert used and house.sql("SELECT last_used_at FROM api_token WHERE name = 'till'")[0][0] == used
    clock.jump(90)
    program.get("clients")
    assert house.sql("SELECT last_used_at FROM api_token WHERE name = 'till'")[0][0] > used
    row, = [t for t in house.api.all("tokens") if t["name"] == "till"]
    assert row["state"] == "valid" and row["days_left"] in (30, 31)
    clock.jump(20 * 86400)
    row, = [t for t in house.api.all("tokens") if t["name"] == "till"]
    assert row["state"] == "ending"
    clock.jump(11 * 86400)
    assert program.call("GET", "clients").status == 401
    row, = [t for t in house.api.all("tokens", state="expired")]
    assert row["name"] == "till" and row["state"] == "expired"
    # A user who is gone takes her tokens along.
    owner = Panel(house, "ana")
    forever = Api(house, house.run("token", "add", "shop", "--rights", "clients.view", "--user", "eva").strip())
    assert forever.get("clients")["data"] == []
    house.run("user", "archive", "eva")
    assert forever.call("GET", "clients").status == 401


def test_a_token_is_made_in_the_panel_with_an_end(village):
    house = village.house()
    clock = Clock(house)
    owner = house.panel("ana")
    assert "Nunca" in owner.page("/tokens/new")
    page = owner.post("/tokens/new", name="Caja", rights=["clients.view"], expires="date", expires_on="2025-12-31")
    program = Api(house, re.search(r"<code>(rcd_\w+)</code>", page).group(1))
    assert program.get("clients")["data"] == []
    assert house.sql("SELECT expires_at FROM api_token WHERE name = 'Caja'") == [(1767243600000,)]   # midnight after it
    late = owner.send("POST", "/tokens/new", {"csrf": owner.csrf(), "name": "Vieja", "rights": "clients.view",
                                              "expires": "date", "expires_on": "2025-09-01"})
    assert late.status == 422 and "ya pasó" in late.text


# --- guessing -----------------------------------------------------------------------------------------------------

def test_strangers_elsewhere_never_keep_the_owner_out(village):
    house = village.house({"web.proxies": "127.0.0.1"})
    clock = Clock(house)
    house.add_user("ana")
    assert knocks(house, "ana", PASSWORD, "198.51.100.7").status == 303          # she was here before
    for n in range(60):
        reply = knocks(house, "ana", "adivina adivina", f"203.0.113.{n % 50}")
        assert reply.status in (403, 429)
    assert reply.status == 429 and 0 < int(reply.headers["retry-after"]) <= 60   # elsewhere the name waits, a little
    assert knocks(house, "ana", PASSWORD, "203.0.113.200").status == 429
    assert knocks(house, "ana", PASSWORD, "198.51.100.7").status == 303          # she does not
    clock.jump(61)
    assert knocks(house, "ana", PASSWORD, "203.0.113.200").status == 303


def test_one_guesser_waits_longer_and_longer_up_to_a_quarter_of_an_hour(village):
    house = village.house({"web.proxies": "127.0.0.1"})
    clock = Clock(house)
    house.add_user("ana")
    longest = 0
    for _ in range(32):
        reply = knocks(house, "ana", "adivina adivina", "203.0.113.9")
        if reply.status == 403:
            continue
        assert reply.status == 429
        longest = max(longest, int(reply.headers["retry-after"]))
        assert "minutos" in text_of(reply.text) or longest <= 120
        clock.jump(longest + 1)
    assert longest in (899, 900)
    # A whole IPv6 house is one guesser.
    for n in range(20):
        last = knocks(house, f"nadie{n}", "adivina adivina", f"2001:db8::{n + 1:x}")
    assert last.status == 429
    assert knocks(house, "nadie", "adivina adivina", "2001:db8:0:1::1").status == 403


def test_wrong_names_and_wrong_passwords_look_the_same(village):
    house = village.house()
    house.serve()
    house.add_user("ana")
    known, unknown = steps(house, "ana", "adivina")[1], steps(house, "nadie", "adivina")[1]
    assert known.status == unknown.status == 403
    assert known.text.replace("ana", "") == unknown.text.replace("nadie", "")


def test_a_flood_of_log_ins_leaves_the_pages_open(village):
    house = village.house()
    house.serve()
    owner = house.panel("ana")
    seen, over = [], threading.Event()

    def flood():
        while not over.is_set():
            seen.append(steps(house, "nadie%d" % len(seen), "adivina")[1].status)

    crowd = [threading.Thread(target=flood) for _ in range(40)]
    for one in crowd:
        one.start()
    try:
        for _ in range(20):
            assert owner.send("GET", "/clients").status == 200
    finally:
        over.set()
        for one in crowd:
            one.join(PATIENCE)
    assert seen and set(seen) <= {403, 429, 503}, set(seen)


# --- leaving --------------------------------------------------------------------------------------------------------

def test_whoever_leaves_hands_over_first(village):
    house = village.house()
    house.serve()
    owner, eva = house.panel("ana"), house.panel("eva", "seller")
    house.add_user("luz", "seller")
    for n in range(3):
        eva.post("/clients/new", given_names=f"Cliente {n}", surnames="", phone=f"09880000{n:02}")
    assert house.sql("SELECT count(*) FROM client c JOIN user u ON u.id = c.owner_id WHERE u.name = 'eva'") == [(3,)]
    users = {u["name"]: u["id"] for u in house.api.all("users")}
    page = owner.page(f"/users/{users['eva']}/leave")
    assert "Clientes: 3" in text_of(page) and "luz" in page
    assert house.api.call("DELETE", f"users/{users['eva']}").status == 409      # never to nobody
    missing = owner.send("POST", f"/users/{users['eva']}/leave", {"csrf": owner.csrf()})
    assert missing.status == 422
    after = owner.post(f"/users/{users['eva']}/leave", hand_over_to=users["luz"])
    assert "3 registros traspasados" in text_of(after)
    assert house.sql("SELECT count(*) FROM client c JOIN user u ON u.id = c.owner_id WHERE u.name = 'luz'") == [(3,)]
    assert eva.send("GET", "/").status == 303 and steps(house, "eva")[1].status == 403
    moved = [row for row in audit(house) if row[:3] == ("update", "client", "ana") and "owner_id" in (row[5] or "")]
    assert len(moved) == 3
    luz = Panel(house, "luz")
    assert "Cliente 1" in luz.page("/clients")
    assert house.call("user", "archive", "luz").returncode != 0
    house.run("user", "archive", "luz", "--to", "ana")
    assert house.sql("SELECT count(*) FROM client c JOIN user u ON u.id = c.owner_id WHERE u.name = 'ana'") == [(3,)]


def test_history_says_who_did_it_and_no_secret(village):
    house = village.house({"web.proxies": "127.0.0.1"})
    clock = Clock(house)
    house.add_user("ana")
    ana = Panel(house, "ana")
    phone, codes = set_up(clock, ana)
    ana.post("/users/new", name="eva", role="seller", password=NEW)
    page = ana.post("/tokens/new", name="Caja", rights=["clients.view"])
    token = re.search(r"<code>(rcd_\w+)</code>", page).group(1)
    rows = audit(house)
    assert {("create", "user"), ("second_factor_on", "user"), ("create", "api_token")} <= {row[:2] for row in rows}
    assert all(row[3] == "127.0.0.1" for row in rows if row[2] == "ana")
    kept = json.dumps(rows) + house.log()
    for secret in (PASSWORD, NEW, token, codes[0], base64.b32encode(phone.key).decode()):
        assert secret not in kept


# --- the picture, as a phone sees it ----------------------------------------------------------------------------------

@pytest.mark.parametrize("size, lang, scheme", [((1280, 900), "es", "light"), ((390, 844), "en", "dark")],
                         ids=["desk-es-light", "phone-en-dark"])
def test_a_phone_reads_the_picture(village, browser, size, lang, scheme, request, tmp_path):
    house = village.house({"business.name": "Cine & Más"})
    house.serve()
    house.add_user("ana")
    me = Person(browser, house, size, lang, "people-" + request.node.callspec.id)
    me.scheme(scheme)
    me.log_in()
    me.go("/me/second-factor")
    me.look("factor-off")
    me.press(me.all("main form button.main")[0])
    picture = me.find("svg.qr")
    me.look("factor-picture")
    shot = tmp_path / "qr.png"
    shot.write_bytes(picture.screenshot_as_png)
    read = subprocess.run(["zbarimg", "--quiet", "--raw", str(shot)], capture_output=True, text=True, timeout=PATIENCE)
    secret = me.find("code.secret").text.replace(" ", "")
    assert read.stdout.strip() == ("otpauth://totp/Cine%20%26%20M%C3%A1s:ana?secret=" + secret
                                   + "&issuer=Cine%20%26%20M%C3%A1s")
    phone = Phone(type("Now", (), {"now": staticmethod(time.time), "jump": None}), secret)
    me.find("input[name=current]").send_keys(PASSWORD)
    me.find("input[name=code]").send_keys(phone.code() + Keys.ENTER)
    wait_until(lambda: len(me.all("ol.codes li")) == 10, "the recovery codes")
    me.look("factor-codes")
    for path in ("me", "me/sessions", "me/second-factor", "roles", "roles/rights", "roles/2", "users", "tokens/new",
                 "roles/new"):
        me.go("/" + path)
        me.look(path.replace("/", "-"))
        assert me.find("h1").text.strip(), path
    me.go("/users/" + house.api.all("users")[0]["id"])
    me.look("user")
    assert me.complaints() == []
