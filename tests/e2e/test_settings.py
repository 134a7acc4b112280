"""A wrong settings file: the start is refused, and one sentence says where and what was meant (design §10)."""
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from house import Panel, Refused, SECRET, request, text_of, wait_until

# what is written, the line it stands on, what the sentence must name
WRONG = {
    "an unknown key": ("[web]\nlistne = 127.0.0.1:0\n", 2, ["web.listne", "web.listen"]),
    "an unknown section": ("\n[bussiness]\nname = x\n", 2, ["[bussiness]", "[business]"]),
    "a word for a number": ("[whatsapp]\n# pause\npause_s = cinco\n", 3, ["whatsapp.pause_s", "3600", "cinco"]),
    "below the least": ("[outbox]\nslots = 0\n", 2, ["outbox.slots", "de 1 a 64", "«0»"]),
    "above the most": ("[outbox]\nslots = 65\n", 2, ["outbox.slots", "de 1 a 64", "«65»"]),
    "a number too long": ("[outbox]\nslots = 99999999999999999999\n", 2, ["outbox.slots", "de 1 a 64"]),
    "neither yes nor no": ("[mode]\noffline = quizás\n", 2, ["mode.offline", "yes", "quizás"]),
    "no such zone": ("[business]\nzone = America/Guayaquill\n", 2, ["business.zone", "America/Guayaquil?"]),
    "no such choice": ("[business]\ncurrency = XYZ\n", 2, ["business.currency", "USD", "XYZ"]),
    "no such hour": ("[outbox]\nwindow_from = 25:00\n", 2, ["outbox.window_from", "23:59", "25:00"]),
    "not an address": ("[whatsapp]\nbase_url = gopher://x\n", 2, ["whatsapp.base_url", "https://", "gopher://x"]),
    "not a list": ("[renewals]\nstages = 7;3\n", 2, ["renewals.stages", "7;3"]),
    "a stage too far": ("[renewals]\nstages = 7,61\n", 2, ["renewals.stages", "60"]),
    "a key before any section": ("name = x\n", 1, ["sección"]),
    "a section not closed": ("[business\nname = x\n", 1, []),
    "a key without a value": ("[business]\nname\n", 2, []),
    "the same key twice": ("[outbox]\nslots = 8\nslots = 9\n", 3, ["outbox.slots"]),
    "not text": (b"[business]\nname = \xff\xfe\n", 2, []),
}


@pytest.fixture
def house(village):
    return village.house()


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_file_refuses_the_start_and_says_where(house, what):
    text, line, words = WRONG[what]
    house.config.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(Refused) as refused:
        house.serve()
    said = refused.value.err.strip()
    assert refused.value.code == 2 and refused.value.out == ""
    assert len(said.split("\n")) == 1 and f"{house.config}, línea {line}: " in said, said
    assert [w for w in words if w not in said] == [], said
    done = house.call("config", "list")                 # every command says the same
    assert done.returncode == 2 and done.stderr.strip() == said


def test_the_same_in_english(house):
    house.config.write_text("[outbox]\nslots = 0\n")
    done = house.call("config", "list", lang="en")
    assert done.returncode == 2 and "line 2" in done.stderr and "from 1 to 64" in done.stderr


@pytest.mark.parametrize("name, value", [("outbox.slots", "65"), ("outbox.slotz", "8"), ("mode.offline", "quizás")])
def test_a_wrong_value_is_not_written(house, name, value):
    before = house.config.read_text()
    done = house.call("config", "set", name, value)
    assert done.returncode == 2 and len(done.stderr.strip().split("\n")) == 1
    assert house.config.read_text() == before


def test_writing_a_setting_keeps_the_comments_and_the_mode(house):
    text = house.config.read_text()
    comments = [line for line in text.split("\n") if line.startswith(("#", ";"))]
    assert comments
    mode = house.config.stat().st_mode
    house.set("business.name", "Otro nombre")
    after = house.config.read_text()
    assert [c for c in comments if c not in after] == [] and "Otro nombre" in after
    assert house.config.stat().st_mode == mode
    assert house.run("config", "get", "business.name").strip() == "Otro nombre"


def test_a_secret_is_never_shown(house):
    for command in (["config", "list"], ["config", "get", "whatsapp.webhook_secret"]):
        assert SECRET not in house.run(*command) and SECRET not in str(house.run(*command, json_out=True))
    house.serve()
    assert SECRET not in house.panel().page("/settings")


def test_a_running_server_reads_the_settings_again_and_refuses_wrong_ones(house):
    import signal
    house.serve()
    house.set("business.name", "Nombre nuevo")
    house.server.send_signal(signal.SIGHUP)
    wait_until(lambda: "settings.reloaded" in house.log(), "the new settings")
    assert "Nombre nuevo" in house.panel().page("/settings")
    house.config.write_text("[outbox]\nslots = 0\n")
    house.server.send_signal(signal.SIGHUP)
    wait_until(lambda: "settings.refused" in house.log(), "the refusal")
    assert house.is_alive() and request(house.address, "GET", "/health/live").status == 200


def test_the_sample_file_has_every_setting_and_is_itself_good(house):
    sample = house.run("config", "sample", config=False)
    house.config.write_text(sample)
    names = {row["name"] for row in house.run("config", "list", json_out=True)}
    for name in names:
        assert name.split(".")[1] in sample, name


# --- the page ---


class Owner(Panel):
    """Ana at the settings: a section is a form, sent as it came but for what she changed."""

    def __init__(self, house):
        house.add_user("ana")
        super().__init__(house, "ana")

    def fields(self, section):
        page = self.page("/settings/" + section)
        return {"csrf": re.search(r'name="csrf" value="([^"]+)"', page).group(1),
                "seen": re.search(r'name="seen" value="([^"]*)"', page).group(1)}

    def save(self, section, status=303, fields=None, **changed):
        reply = self.send("POST", "/settings/" + section, {**(fields or self.fields(section)), **changed})
        assert reply.status == status, reply
        return self.page(reply.headers["location"]) if status == 303 else reply.text


def last_change(house):
    actor, address, before, after = house.sql("SELECT actor, address, before_json, after_json FROM audit"
                                              " WHERE table_name = 'setting' ORDER BY id DESC LIMIT 1")[0]
    return actor, address, json.loads(before), json.loads(after)


def test_a_section_is_saved_at_once_and_is_in_force_without_a_restart(house):
    house.serve()
    ana = Owner(house)
    before = house.config.read_text()
    page = ana.save("outbox", **{"outbox.window_from": "07:30", "outbox.retry_minutes": "1, 2,3", "outbox.slots": "8"})
    assert "cambiaron 2 ajustes" in page
    rows = {row["name"]: row for row in house.api.get("settings")["data"]}
    assert rows["outbox.window_from"]["value"] == "07:30" and rows["outbox.slots"]["origin"] == "default"
    assert last_change(house) == ("ana", "127.0.0.1", {"outbox.window_from": "08:00", "outbox.retry_minutes": "5,30,120"},
                                  {"outbox.window_from": "07:30", "outbox.retry_minutes": "1, 2,3"})
    after = house.config.read_text().splitlines()
    assert [line for line in before.splitlines() if line not in after] == []
    assert len(after) == len(before.splitlines()) + 2


def test_all_that_is_wrong_is_told_at_its_field_and_nothing_is_saved(house):
    house.serve()
    ana = Owner(house)
    before = house.config.read_bytes()
    page = ana.save("outbox", 422, **{"outbox.slots": "65", "outbox.retry_max": "x", "outbox.window_from": "25:00",
                                      "outbox.acknowledge": "Gracias"})
    for name, value in (("outbox.slots", "65"), ("outbox.retry_max", "x"), ("outbox.window_from", "25:00")):
        assert re.search(rf'id="f-{name}"[^>]*value="{value}"[^>]*aria-invalid', page), name
        assert f'href="#f-{name}"' in page
    assert "Gracias" in page                                        # what she typed is still there
    assert house.config.read_bytes() == before


def test_a_value_with_a_line_feed_cannot_smuggle_another_setting_in(house):
    house.serve()
    page = Owner(house).save("business", 422, **{"business.name": "x\nzone = UTC"})
    assert "una sola línea" in page and "\nzone = UTC" not in house.config.read_text()


@pytest.mark.parametrize("value", ["a ; b # c", "# a = b", "; uno", "[web]", "«Ñandú» 北京 🙂", "<b>\"'&amp;"])
def test_a_name_with_odd_signs_comes_back_as_it_was(house, value):
    house.serve()
    ana = Owner(house)
    ana.save("business", **{"business.name": value})
    assert house.run("config", "get", "business.name") == value + "\n"
    shown = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;").replace("'", "&#39;")
    assert shown in ana.page("/settings/business") and "<b>" not in ana.page("/settings")


def test_a_change_by_hand_between_looking_and_saving_is_not_written_over(house):
    house.serve()
    ana = Owner(house)
    seen = ana.fields("business")
    by_hand = house.config.read_text() + "; a note of my own\n"
    house.config.write_text(by_hand)
    page = ana.save("business", 409, fields=seen, **{"business.name": "Nuevo"})
    assert "cambió entretanto" in text_of(page) and 'value="Nuevo"' in page
    assert house.config.read_text() == by_hand
    again = {"csrf": seen["csrf"], "seen": re.search(r'name="seen" value="([^"]*)"', page).group(1)}
    ana.save("business", fields=again, **{"business.name": "Nuevo"})
    assert "; a note of my own" in house.config.read_text() and "name = Nuevo" in house.config.read_text()


def test_a_file_changed_by_hand_is_told_and_read_again_by_a_button(house):
    house.serve()
    ana = Owner(house)
    house.config.write_text(house.config.read_text().replace("Cine en Casa", "A mano"))
    page = ana.page("/settings")
    assert "aún no está en vigor" in page and "A mano" not in page
    page = ana.post("/settings/read")
    assert "A mano" in page and "aún no está en vigor" not in page
    assert last_change(house)[2:] == ({"business.name": "Cine en Casa"}, {"business.name": "A mano"})
    house.config.write_text("[outbox]\nslots = 0\n")
    assert "línea 2" in text_of(ana.post("/settings/read"))
    assert house.is_alive()


def test_what_was_changed_by_hand_is_in_the_history_after_the_signal(house):
    import signal
    house.serve()
    house.config.write_text(house.config.read_text().replace("Cine en Casa", "A mano"))
    house.server.send_signal(signal.SIGHUP)
    wait_until(lambda: last_change(house)[0] == "file", "the history")
    assert last_change(house)[2:] == ({"business.name": "Cine en Casa"}, {"business.name": "A mano"})
    assert "a mano, en el archivo" in text_of(Owner(house).page("/settings/history"))


def test_a_secret_is_kept_when_left_empty_replaced_when_typed_and_forgotten_when_ticked(house):
    house.serve()
    ana = Owner(house)
    page = ana.page("/settings/whatsapp")
    assert "key-of-the-session" not in page
    ana.save("whatsapp", **{"whatsapp.api_key": "", "whatsapp.pause_s": "1"})
    assert "key-of-the-session" in house.config.read_text()
    ana.save("whatsapp", **{"whatsapp.api_key": "another key"})
    assert "api_key = another key" in house.config.read_text()
    assert last_change(house)[2:] == ({"whatsapp.api_key": "********"}, {"whatsapp.api_key": "changed"})
    assert "Tiene valor desde hoy" in ana.page("/settings/whatsapp")
    ana.save("whatsapp", **{"clear:whatsapp.api_key": "1"})
    assert "another key" not in house.config.read_text() and "Sin valor." in ana.page("/settings/whatsapp")
    for text in (ana.page("/settings/history"), str(house.sql("SELECT * FROM audit")), str(house.sql("SELECT * FROM meta"))):
        assert "another key" not in text and "key-of-the-session" not in text


def test_the_age_of_a_secret_changed_by_hand_is_not_made_up(house):
    house.serve()
    ana = Owner(house)
    assert "Tiene valor desde hoy" in ana.page("/settings/whatsapp")
    house.config.write_text(house.config.read_text().replace("key-of-the-session", "by-hand"))
    ana.post("/settings/read")
    assert "no se sabe desde cuándo" in ana.page("/settings/whatsapp")


def test_a_secret_that_stands_elsewhere_is_shown_as_such(house):
    (house.folder / "llave").write_text("in-a-file\n")
    house.set("whatsapp.api_key", f"file:{house.folder}/llave")
    house.serve()
    ana = Owner(house)
    page = ana.page("/settings/whatsapp")
    assert f"file:{house.folder}/llave" in page and "in-a-file" not in page
    ana.save("whatsapp", **{"whatsapp.api_key": "", "whatsapp.pause_s": "2"})
    assert f"file:{house.folder}/llave" in house.config.read_text()


def test_nobody_reads_a_file_of_the_machine_over_the_network(house):
    (house.folder / "ajeno").write_text("of-somebody-else\n")
    house.serve()
    ana = Owner(house)
    before = house.config.read_text()
    for value in (f"file:{house.folder}/ajeno", f" file:{house.folder}/none", "env:HOME"):
        page = text_of(ana.save("whatsapp", 422, **{"whatsapp.api_key": value}))
        assert "recado config set whatsapp.api_key" in page, value
        reply = house.api.call("PATCH", "settings", {"whatsapp.api_key": value})
        assert reply.status == 400 and list(reply.json["error"]["fields"]) == ["whatsapp.api_key"]
    assert house.config.read_text() == before


def test_many_who_save_at_once_each_tell_their_own_change(house):
    house.serve()
    api = house.api
    names = ("business.phone", "renewals.time", "outbox.window_from", "outbox.window_to")
    values = ("0988000009", "07:07", "08:08", "19:19")
    ready = threading.Barrier(4)

    def go(n):
        ready.wait()
        return api.call("PATCH", "settings", {names[n]: values[n]})

    with ThreadPoolExecutor(4) as pool:
        assert [r.status for r in pool.map(go, range(4))] == [200] * 4
    told = [json.loads(row[0]) for row in house.sql(
        "SELECT after_json FROM audit WHERE table_name = 'setting' ORDER BY id DESC LIMIT 4")]
    assert sorted(list(change.items()) for change in told) == sorted([(n, v)] for n, v in zip(names, values))


def test_a_new_token_for_the_outside_scheduler_is_in_the_history(house):
    house.serve()
    ana = Owner(house)
    page = ana.post("/renewals/cron-help")
    assert "renewals.cron_token" in ana.page("/settings/history")
    token, = [v for v in house.config.read_text().split() if len(v) > 30 and v in page]
    assert token not in str(house.sql("SELECT * FROM audit"))


def test_a_setting_goes_back_to_its_default(house):
    house.set("outbox.slots", "9")
    house.serve()
    ana = Owner(house)
    ana.save("outbox", **{"outbox.slots": "9", "default:outbox.slots": "1"})
    assert house.run("config", "get", "outbox.slots") == "8\n" and "slots = 9" not in house.config.read_text()


def test_what_needs_a_restart_says_so_until_it_was_restarted(house):
    house.serve()
    ana = Owner(house)
    page = text_of(ana.save("log", **{"log.files": "yes"}))
    assert "Vale desde el próximo arranque" in page and "systemctl restart recado" in page
    rows = {row["name"]: row for row in house.api.get("settings")["data"]}
    assert rows["log.files"]["is_waiting"] and rows["log.files"]["value"] == "yes"
    house.stop()
    house.serve()
    assert "Vale desde el próximo arranque:" not in text_of(Panel(house, "ana").page("/settings"))


def test_nobody_locks_himself_out(house):
    house.serve()
    ana = Owner(house)
    before = house.config.read_bytes()
    page = ana.save("web", 422, **{"web.panel_allow": "10.0.0.0/8, 192.168.1.7"})
    assert "Tu propia dirección es 127.0.0.1" in page
    assert "no lo es" in ana.save("web", 422, **{"web.panel_allow": "10.0.0.0/99"})
    assert "debe ser como 127.0.0.1:8080" in ana.save("web", 422, **{"web.listen": "everywhere"}).replace("Debe", "debe")
    assert house.config.read_bytes() == before
    ana.save("web", **{"web.panel_allow": "10.0.0.0/8, 127.0.0.0/8"})
    assert ana.page("/settings/web")


def test_a_name_that_the_panel_is_opened_with_cannot_be_taken_away(house):
    house.set("web.hosts", "panel.example.com")
    house.serve()
    ana = Owner(house)
    host = {"Host": "panel.example.com"}
    page = ana.send("GET", "/settings/web", headers=host).text
    form = {name: re.search(rf'name="{name}" value="([^"]+)"', page).group(1) for name in ("csrf", "seen")}
    reply = ana.send("POST", "/settings/web", {**form, "web.hosts": "other.example.com"}, headers=host)
    assert reply.status == 422 and "panel.example.com" in reply.text
    reply = ana.send("POST", "/settings/web", {**form, "web.hosts": "other.example.com, panel.example.com"}, headers=host)
    assert reply.status == 303, reply


def test_offline_mode_is_not_turned_by_accident(house):
    house.serve()
    ana = Owner(house)
    page = ana.save("mode", 422, **{"mode.offline": "no"})
    assert "personas de verdad" in page and 'name="is_sure"' in page
    assert "offline = yes" in house.config.read_text()
    ana.save("mode", **{"mode.offline": "no", "is_sure": "1"})
    assert "offline = no" in house.config.read_text()
    assert "Modo sin conexión" in text_of(ana.page("/"))              # until the next start


def test_settings_are_found_by_a_word_of_their_title_help_name_or_value(house):
    house.serve()
    ana = Owner(house)
    for q, found, not_found in (("zona+horaria", "business.zone", "web.listen"), ("PAUSA", "whatsapp.pause_s", "web.listen"),
                                ("web.listen", "web.listen", "business.zone"), ("guayaquil", "business.zone", "web.listen")):
        page = ana.page("/settings?q=" + q)
        assert f"<code>{found}</code>" in page and f"<code>{not_found}</code>" not in page, q
    assert "Ningún ajuste tiene esas palabras" in ana.page("/settings?q=xyzzy")


def test_the_history_tells_all_or_one_and_reaches_back(house):
    house.serve()
    ana = Owner(house)
    for n in range(60):
        house.api.call("PATCH", "settings", {"outbox.slots": n % 60 + 1})
    page = ana.page("/settings/history")
    assert page.count("<section") == 50
    older = re.search(r'href="([^"]*before=[^"]*)"', page).group(1).replace("&amp;", "&")
    assert 0 < ana.page(older).count("<section") < 50
    one = text_of(ana.page("/settings/history?name=business.name"))
    assert "Cine en Casa" in one and "Mensajes a la vez" not in one and "línea de comandos" in one
    assert ana.send("GET", "/settings/history?name=no.such").status == 404


def test_who_may_not_change_settings_sees_no_form(house):
    house.serve()
    Owner(house)
    sam = house.panel("sam", "seller")
    assert sam.send("GET", "/settings").status == 403 and sam.send("GET", "/settings/business").status == 403
    assert sam.send("POST", "/settings/business", {"business.name": "x", "csrf": "x"}).status == 403


# --- programs ---


def test_programs_change_settings_with_the_same_checks(house):
    house.serve()
    reply = house.api.call("GET", "settings")
    mark, rows = reply.headers["etag"], {row["name"]: row for row in reply.json["data"]}
    assert rows["business.currency"]["choices"][0] == "USD" and rows["outbox.slots"]["max"] == 64
    assert rows["whatsapp.api_key"]["is_set"] and "key-of-the-session" not in reply.text
    reply = house.api.call("PATCH", "settings", {"renewals.stages": [7, 3, 0], "renewals.notices": False, "outbox.slots": 9},
                           {"If-Match": mark})
    assert reply.status == 200, reply
    rows = {row["name"]: row["value"] for row in reply.json["data"]}
    assert (rows["renewals.stages"], rows["renewals.notices"], rows["outbox.slots"]) == ("7,3,0", "no", "9")
    assert house.api.call("PATCH", "settings", {"outbox.slots": 10}, {"If-Match": mark}).status == 409
    assert house.api.call("PATCH", "settings", {"outbox.slots": None}).status == 200
    assert house.run("config", "get", "outbox.slots") == "8\n"
    assert last_change(house)[0] == "token:tests"


@pytest.mark.parametrize("body, fields", [({"outbox.slots": 65, "mode.offline": "perhaps"}, {"outbox.slots", "mode.offline"}),
                                          ({"no.such": 1}, {"no.such"}), ({"outbox.slots": {"a": 1}}, {"outbox.slots"}),
                                          ({"mode.offline": False}, {"mode.offline"}),
                                          ({"web.panel_allow": "10.0.0.1"}, {"web.panel_allow"})])
def test_a_wrong_change_of_a_program_names_its_fields(house, body, fields):
    house.serve()
    before = house.config.read_bytes()
    reply = house.api.call("PATCH", "settings", body)
    assert reply.status in (400, 422) and set(reply.json["error"]["fields"]) == fields, reply
    assert house.config.read_bytes() == before


def test_a_token_without_the_right_changes_nothing(house):
    house.serve()
    token = house.token("looker", "settings.view")
    headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
    assert request(house.address, "GET", "/api/v1/settings", headers=headers).status == 200
    assert request(house.address, "PATCH", "/api/v1/settings", '{"outbox.slots": 9}', headers).status == 403


# --- all of them ---


def test_every_setting_has_a_name_for_people_and_a_section(house):
    house.serve()
    for lang in ("es", "en"):
        reply = house.api.call("GET", "settings?lang=" + lang)
        for row in reply.json["data"]:
            assert row["title"] != row["name"].split(".", 1)[1], row["name"]
            assert row["help"], row["name"]
    spanish = {r["name"]: r["title"] for r in house.api.get("settings?lang=es")["data"]}
    assert spanish["business.zone"] == "Zona horaria"
