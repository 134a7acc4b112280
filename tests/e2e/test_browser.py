"""The panel as people see it: a real browser, both languages, a desk and a phone. Pictures go to build/screens."""
import re

import pytest

from house import Village, wait_until

from person import DESK, PHONE, By, Keys, Person, browser  # noqa: F401

NOW = "2025-09-08T10:00:00-05:00"
CUSTOMERS = """nombres,apellidos,telefono,servicio,fecha_inicio,fecha_vencimiento,precio
José,Muñoz,0988000001,Netflix,09/08/2025,08/09/2025,
María,Peña,0988000002,HBO Max,09/08/2025,09/09/2025,9.99
Ángel,Quiñónez,0988000003,Netflix,09/08/2025,11/09/2025,
Lucía,Ibáñez,0988000004,Disney+,09/08/2025,15/09/2025,
Zoë,Núñez,0988000005,Netflix,09/08/2025,30/09/2025,
"""


@pytest.fixture(scope="module")
def office():
    """A day's work is done: five customers, four notices, one letter."""
    village = Village()
    house, standin = village.pair({"whatsapp.check_after_s": "1"}, "--delivered-ms", "100", "--read-ms", "200")
    house.serve(now=NOW)
    for name, price in (("Netflix", 1299), ("HBO Max", 999), ("Disney+", 799)):
        house.api.service(name, price)
    house.import_csv(CUSTOMERS, "--commit")
    house.run_today()
    house.add_user("ana")
    standin.say("+593988000002", "RENOVAR")
    standin.say("+593988000003", "¿Puedo pagar mañana?")
    wait_until(lambda: house.api.all("renewal-requests") and house.api.get("inbox")["data"], "the letters")
    yield house
    village.close()


WORDS = {
    "es": {"customers": "Clientes", "renew": ("Renovar",), "notices": "Avisos", "today": "Vence hoy",
           "submit": ("Renovar", "Renovar ahora", "Confirmar la renovación")},
    "en": {"customers": "Customers", "renew": ("Renew",), "notices": "Notices", "today": "Ends today",
           "submit": ("Renew", "Renew now", "Confirm the renewal")},
}


@pytest.mark.parametrize("size, lang", [(DESK, "es"), (PHONE, "es"), (DESK, "en"), (PHONE, "en")],
                         ids=["desk-es", "phone-es", "desk-en", "phone-en"])
def test_a_morning_at_the_panel(browser, office, size, lang, request):
    words, me = WORDS[lang], Person(browser, office, size, lang, request.node.callspec.id)
    me.look("login")
    me.log_in()
    assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == lang
    me.look("home")

    me.go("/clients")
    assert words["customers"] in me.text() and "Muñoz" in me.text() and "Peña" in me.text()
    me.look("clients")
    search = me.find("input[name=q]")
    search.send_keys("quinonez" + Keys.ENTER)            # as people type it
    wait_until(lambda: "Quiñónez" in me.text() and "Muñoz" not in me.text(), "the search")
    me.look("search")

    link, = [a for a in me.all("a") if "Quiñónez" in a.text][:1]
    me.press(link)
    wait_until(lambda: "Netflix" in me.text() and "11/09/2025" in me.text(), "the customer")
    me.look("client")

    me.go("/subscriptions?q=munoz")
    assert "Muñoz" in me.text()
    me.look("subscriptions")
    me.press([a for a in me.all("a") if "/subscriptions/" in (a.get_attribute("href") or "")
              and re.search(r"/subscriptions/[a-z2-7]{26}$", a.get_attribute("href"))][0])
    wait_until(lambda: "Muñoz" in me.text(), "the subscription")
    me.look("subscription")
    before = me.text()
    me.click_text(*words["renew"])
    wait_until(lambda: me.all("form select, form input[type=number], form input[name=periods]"), "the renewal form")
    me.look("renew")
    me.press([b for b in me.all("main form button[type=submit], main form button.main") if b.text.strip()][-1])
    wait_until(lambda: re.search(r"/subscriptions/[a-z2-7]{26}$", browser.current_url), "the renewed subscription")
    me.look("renewed")
    assert me.text() != before

    me.go("/notices")
    assert words["notices"] in me.text() and "Muñoz" in me.text()
    me.look("notices")
    # The walk through every page costs; two of the four take it.
    pages = ("inbox renewal-requests services payments outbox gateway imports jobs texts settings users"
             " renewals/runs renewals/stats clients/new")
    for name in pages.split() if me.label in ("desk-es", "phone-en") else ():
        me.go("/" + name)
        me.look(name.replace("/", "-"))
        assert me.find("h1").text.strip(), name
    assert me.complaints() == []


def test_a_file_goes_in_through_the_page(browser, village):
    house = village.house()
    house.serve(now=NOW)
    house.api.service("Netflix", 1299)
    house.add_user("ana")
    path = village.folder / "clientes.csv"
    path.write_text(CUSTOMERS.replace("HBO Max", "Netflix").replace("Disney+", "Netflix") + "Mal,,12,,,,\n")
    me = Person(browser, house, DESK, "es", "import")
    me.log_in()
    me.go("/clients")
    me.click_text("Importar")
    me.find("input[type=file]").send_keys(str(path))
    me.press([b for b in me.all("main form button") if b.text.strip()][0])
    wait_until(lambda: re.search(r"/imports/[a-z2-7]{26}", browser.current_url), "the preview")
    wait_until(lambda: (browser.refresh(), "telefono" in me.text())[1], "the judged rows")
    me.look("preview")
    assert house.api.all("clients") == []
    buttons = [b for b in me.all("main form button") if "ncorporar" in b.text or "mportar" in b.text]
    assert buttons, [b.text for b in me.all("button")]
    me.press(me.find("input[name=good_only]"))      # one row is wrong: a person says that it stays out
    me.press(buttons[0])
    wait_until(lambda: len(house.api.all("clients")) == 5, "the customers")
    browser.refresh()
    me.look("done")


def test_a_template_that_was_tried_can_still_be_saved(browser, office):
    """Its preview opens in a frame of the same page: the form stays in use. A wrong field has the focus."""
    me = Person(browser, office, DESK, "es", "template")
    me.log_in("ana")
    me.go("/templates/new")
    me.find("[name=subject]").send_keys("Hola {{nombre}}")
    me.find("[name=html]").send_keys("<p>{{nombre}}</p>")
    for text in ("", " Hasta pronto"):
        me.find("[name=subject]").send_keys(text)
        me.press(me.find("main button[formtarget=sample]"))
    browser.execute_script("document.querySelector('[name=name]').required = false")
    me.press(me.find("main form button.main"))
    wait_until(lambda: me.all(".field .error:not(:empty)"), "the missing name")
    assert browser.switch_to.active_element.get_attribute("name") == "name"
    browser.switch_to.active_element.send_keys("Bienvenida")
    me.press(me.find("main form button.main"))
    wait_until(lambda: re.search(r"/templates/[a-z2-7]{26}$", browser.current_url), "the template")
    assert office.api.get("templates?q=Bienvenida")["data"][0]["subject"] == "Hola {{nombre}} Hasta pronto"


def test_without_scripts_the_panel_works_too(office):
    """Forms and links alone: what a browser without JavaScript sends."""
    panel = office.panel("eva")
    page = panel.page("/clients?q=ibanez")
    assert "Ibáñez" in page
    row = re.search(r'href="(/clients/[a-z2-7]{26})"', page).group(1)
    assert "Disney+" in panel.page(row)
    edit = panel.page(row + "/edit")
    seen = re.search(r'name="_seen" value="(\d+)"', edit)
    after = panel.post(row + "/edit", given_names="Lucía", surnames="Ibáñez de Mora", phone="0988000004", is_active="1",
                       **({"_seen": seen.group(1)} if seen else {}))
    assert "Ibáñez de Mora" in after
