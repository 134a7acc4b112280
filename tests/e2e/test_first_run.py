"""The first quarter of an hour with Recado: from the set-up code to a house that works, at a desk and on a phone."""
import re
import sqlite3

import pytest

from house import PASSWORD, Panel, text_of, wait_until
from person import DESK, PHONE, Keys, Person, browser  # noqa: F401
from test_looks import AXE, RUN_AXE

WORDS = {
    "es": {"business": "Tu negocio", "go": ("Guardar y seguir",), "test": ("Envíame una prueba",),
           "arrived": ("La pasarela aceptó la prueba", "La prueba llegó."), "later": ("Después; seguir",),
           "backup": ("Hacer una primera copia ahora",), "written": "La copia está escrita", "done": "Qué pasa ahora",
           "end": ("Terminar e ir al panel",), "settings": "Ajustes"},
    "en": {"business": "Your business", "go": ("Save and go on",), "test": ("Send me a test",),
           "arrived": ("The gateway took the test", "The test arrived."), "later": ("Later, go on",),
           "backup": ("Make a first backup now",), "written": "The backup is written", "done": "What happens next",
           "end": ("Finish and go to the panel",), "settings": "Settings"},
}


@pytest.fixture
def new_house(village):
    """Nobody has ever logged in."""
    house, _ = village.pair({"business.name": "Mi negocio"}, "--delivered-ms", "100", "--read-ms", "100")
    house.run("config", "reset", "business.name")
    return house.serve()


class Owner(Panel):
    """A new owner without a browser's pictures; with a name one who is there already."""

    def __init__(self, house, name=None):
        super().__init__(house, name)
        if name:
            return
        reply = self.send("POST", "/setup", {"code": house.made["setup_code"], "name": "Ana", "password": PASSWORD,
                                             "password_again": PASSWORD})
        assert reply.status == 303, reply
        self.first = reply.headers["location"]

    def step(self, name, status=200, **form):
        """Send a step's form; where it leads to, or the page again."""
        reply = self.send("POST", "/start/" + name, {"csrf": self.csrf(), **form})
        if status == 303:
            assert reply.status == 303, reply
            return reply.headers["location"]
        assert reply.status == status, reply
        return reply.text


@pytest.mark.parametrize("size, lang, scheme", [(DESK, "es", "light"), (PHONE, "en", "dark")], ids=["desk-es", "phone-en"])
def test_a_new_owner_sets_up_the_house_in_five_steps(browser, new_house, size, lang, scheme, request):  # noqa: F811
    words, house = WORDS[lang], new_house
    me = Person(browser, house, size, lang, "first-" + request.node.callspec.id)
    me.scheme(scheme)
    findings = []

    def look(name):
        me.look(name)
        if AXE.exists():
            browser.execute_script(AXE.read_text())
            findings.extend(f"{name}: {v}" for v in browser.execute_async_script(RUN_AXE))

    me.go(f"/setup?code={house.made['setup_code']}")
    me.find("input[name=name]").send_keys("Ana")
    me.find("input[name=password]").send_keys(PASSWORD)
    me.find("input[name=password_again]").send_keys(PASSWORD + Keys.ENTER)
    wait_until(lambda: words["business"] in me.text(), "the first step")
    look("business")
    me.find("[name='business.name']").send_keys("Cine en Casa")
    me.click_text(*words["go"])
    phone = me.find("[name=phone]")
    phone.clear()
    phone.send_keys("0988000001")
    me.click_text(*words["test"])
    wait_until(lambda: any(w in me.text() for w in words["arrived"]), "what became of the test")
    assert "Cine en Casa" in me.find(".preview").text
    look("whatsapp")
    me.click_text(*words["go"])
    me.find("a[href='/clients/import']")
    look("customers")
    me.click_text(*words["later"])
    me.click_text(*words["backup"])
    wait_until(lambda: words["written"] in me.text(), "the backup")
    look("backup")
    me.click_text(*words["go"])
    wait_until(lambda: words["done"] in me.text(), "the last step")
    look("done")
    me.click_text(*words["end"])
    wait_until(lambda: me.browser.current_url.rstrip("/").endswith(house.address.rstrip("/")), "the home page")
    assert not [a for a in me.all("a[href='/start']") if a.find_elements("xpath", "ancestor::main")]
    assert [row["to"] for row in house.standin.accepted()] == ["+593988000001"]
    assert len(list((house.state / "backups").glob("recado-*.tar.gz"))) == 1
    assert house.run("config", "get", "business.name").strip() == "Cine en Casa"
    for path, name in (("/settings", "settings"), ("/settings/business", "section"), ("/settings/whatsapp", "secrets"),
                       ("/settings/web", "web"), ("/settings/modules", "modules"), ("/settings/outbox", "outbox"),
                       ("/settings/history", "history"), ("/settings?q=zona zone", "search")):
        me.go(path)
        look(name)
    assert me.complaints() == [] and findings == [], "\n".join(findings)


def test_the_steps_begin_after_the_first_owner_is_made_and_go_on_where_they_were_left(new_house):
    ana = Owner(new_house)
    assert ana.first == "/start"
    assert ana.send("GET", "/start").headers["location"] == "/start/business"
    assert "/start" in ana.page("/") and "cinco pasos" in text_of(ana.page("/"))
    assert ana.step("business", 303, **{"business.name": "Cine", "business.zone": "America/Bogota"}) == "/start/whatsapp"
    assert "2 de 5" in ana.page("/")
    assert ana.step("whatsapp", 303, skip="1") == "/start/customers"
    new_house.stop()
    new_house.serve()
    ana = Panel(new_house, "Ana")
    assert ana.send("GET", "/start").headers["location"] == "/start/customers"
    assert "1 de 5" in ana.page("/start/business")                  # looking back takes nothing away
    assert ana.send("GET", "/start").headers["location"] == "/start/customers"


def test_the_business_takes_effect_at_once(new_house):
    ana = Owner(new_house)
    ana.step("business", 303, **{"business.name": "Shop", "business.zone": "Asia/Tokyo", "business.language": "en",
                                 "business.currency": "COP", "business.region": "CO"})
    page = ana.page("/start/whatsapp")
    assert "Send me a test" in page                                  # the language of the business is the panel's
    assert {r["name"]: r["value"] for r in new_house.run("config", "list", json_out=True)}["business.zone"] == "Asia/Tokyo"
    entry = text_of(ana.page("/settings/history"))
    utc = new_house.sql("SELECT at FROM audit WHERE table_name = 'setting' ORDER BY id DESC LIMIT 1")[0][0]
    hour = (utc // 3600000 + 9) % 24                                 # Tokyo knows no summer time
    assert re.search(rf"\b{hour:02}:\d\d · Ana", entry), entry


def test_what_is_wrong_stays_in_the_form_with_its_sentence(new_house):
    ana = Owner(new_house)
    page = ana.step("business", 422, **{"business.name": "ñ" * 81, "business.phone": "0988", "business.zone": "Nowhere/City"})
    assert "ñ" * 81 in page and "80 caracteres" in page and "una zona horaria como" in page
    assert "0988" not in new_house.config.read_text()


def test_the_steps_may_be_put_away_and_taken_out_again(new_house):
    ana = Owner(new_house)
    assert ana.step("dismiss", 303) == "/"
    assert "cinco pasos" not in text_of(ana.page("/"))
    assert ana.send("GET", "/start").headers["location"] == "/start/done"
    assert "Se envió un mensaje de prueba" in ana.page("/start/done")


def test_sellers_and_readers_see_no_set_up(new_house):
    Owner(new_house)
    sam = new_house.panel("sam", "seller")
    assert "/start" not in sam.page("/")
    assert sam.send("GET", "/start").status == 403 and sam.send("GET", "/settings").status == 403


def test_a_test_without_a_number_or_with_a_wrong_one_is_refused_at_its_field(new_house):
    ana = Owner(new_house)
    assert "¿Qué número debe recibir la prueba?" in ana.step("test", 422, phone="")
    page = ana.step("test", 422, phone="12")
    assert 'aria-invalid="true"' in page and 'value="12"' in page
    assert new_house.standin.received() == []


def test_two_presses_are_one_test(new_house):
    ana = Owner(new_house)
    first = ana.step("test", 303, phone="0988000001")
    second = ana.step("test", 303, phone="0988000001")
    minutes = {row[0] for row in new_house.sql("SELECT occasion FROM message")}
    assert len(minutes) == len({first, second})                      # one message, or a minute went by between them
    wait_until(lambda: len(new_house.standin.received()) == len(minutes), "the test")


def test_a_refused_test_says_why_and_what_to_do(new_house):
    new_house.standin.set(api_key="the-right-one")
    ana = Owner(new_house)
    where = ana.step("test", 303, phone="0988000001")
    page = wait_until(lambda: (lambda p: p if "rechaza la API key" in text_of(p) and 'href="/gateway"' in p else None)(ana.page(where)),
                      "the refusal and the way on")      # the banner says it first
    assert "********" not in page


def test_the_key_is_saved_masked_and_its_age_is_told(new_house):
    ana = Owner(new_house)
    assert ana.step("whatsapp", 303, **{"whatsapp.api_key": "the-new-key-of-ana"}) == "/start/customers"
    assert "the-new-key-of-ana" in new_house.config.read_text()
    for path in ("/start/whatsapp", "/settings", "/settings/whatsapp", "/settings/history"):
        page = ana.page(path)
        assert "the-new-key-of-ana" not in page, path
    assert "Tiene valor desde hoy." in ana.page("/settings/whatsapp")
    line = sqlite3.connect(f"file:{new_house.state / 'recado.db'}?mode=ro", uri=True)
    assert "the-new-key-of-ana" not in "\n".join(line.iterdump())
    line.close()


def test_a_folder_for_backups_must_be_one_that_can_be_written(new_house, tmp_path):
    ana = Owner(new_house)
    assert "No existe" in ana.step("backup", 422, **{"backup.folder": str(tmp_path / "none")})
    (tmp_path / "file").write_text("x")
    assert "Es un archivo" in ana.step("backup", 422, **{"backup.folder": str(tmp_path / "file")})
    assert "Debe ser una ruta completa" in ana.step("backup", 422, **{"backup.folder": "backups"})
    disk = tmp_path / "disk"
    disk.mkdir()
    assert ana.step("backup", 303, **{"backup.folder": str(disk)}) == "/start/done"
    assert "desde el próximo arranque" in text_of(ana.page("/start/backup"))
    new_house.stop()
    new_house.serve()                                                 # also through the sandbox
    ana = Owner(new_house, "Ana")
    assert str(disk) in ana.page("/start/backup")
    assert "desde el próximo arranque" not in text_of(ana.page("/start/backup"))
    where = ana.step("backup-now", 303)
    wait_until(lambda: "La copia está escrita" in text_of(ana.page(where)), "the backup")
    assert [p.name for p in disk.iterdir()] and not list((new_house.state / "backups").glob("*.tar"))


def test_only_the_newest_backup_of_a_day_stays(new_house):
    others = ("recado-manual.pdf", "recado-2020-01-01T00-00-00-000Z.zip", "recado-.tar", "recado-contract.tar")
    (new_house.state / "backups").mkdir(exist_ok=True)
    for name in others:
        (new_house.state / "backups" / name).write_text("not ours")
    for n in range(4):
        job = new_house.api.call("POST", "start/backup-now", {}).json["job"]
        wait_until(lambda: new_house.api.get(f"jobs/{job}")["state"] == "done", "the backup")
    left = {path.name for path in (new_house.state / "backups").iterdir()}
    assert left > set(others) and len(left - set(others)) == 1


def test_programs_take_the_steps_over_the_api(new_house):
    start = new_house.api.get("start")
    assert start["step"] == "business" and not start["is_over"]
    assert {item["href"] for item in start["checklist"]} >= {"/start/business", "/start/backup", "/clients/import"}
    reply = new_house.api.call("POST", "start/test", {"phone": "0988000001"})
    assert reply.status == 202, reply
    wait_until(lambda: new_house.standin.accepted(), "the test")
    assert new_house.api.call("POST", "start/test", {"phone": "12"}).json["error"]["fields"]["phone"]
