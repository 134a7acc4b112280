"""Stock tasks in clicks: never more than the Django admin's number for the same.

Counted is everything a person presses that the task needs: links, buttons, check boxes, the choice of a list (one click
each; a choice that sends itself counts as one) and Enter that sends a form. Typing is free on both sides, and so is the
first page of the task. The admin's numbers are those of its change list as it comes, with search_fields, list_filter
and an export action such as django-import-export's, whose steps are written beside each.
"""
import re

import pytest

from house import PASSWORD, Village
from test_browser import DESK, Person, browser  # noqa: F401 (a fixture)

pytest.importorskip("selenium.webdriver")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402

from house import wait_until  # noqa: E402


class Counted(Person):
    """A person whose presses are counted."""

    def __init__(self, browser, house):  # noqa: F811
        super().__init__(browser, house, DESK, "es", "clicks")
        self.find("input[name=name]").send_keys("ana")
        self.find("input[name=password]").send_keys(PASSWORD + Keys.ENTER)
        wait_until(lambda: not browser.current_url.endswith("/login"), "the home page")
        self.clicks = 0

    def begin(self, path):
        self.go(path)
        self.clicks = 0

    def page(self):
        return self.browser.find_element(By.TAG_NAME, "html").id

    def then_another_page(self, press):
        before = self.page()
        press()
        self.clicks += 1
        wait_until(lambda: [e for e in self.browser.find_elements(By.TAG_NAME, "html") if e.id != before]
                   and self.browser.execute_script("return document.readyState") == "complete", "the next page")

    def enter(self, name, text):
        box = self.find(f"main [name={name}]")
        box.clear()
        box.send_keys(text)
        self.then_another_page(lambda: box.send_keys(Keys.ENTER))

    def follow(self, selector):
        self.then_another_page(lambda: self.press(self.find(selector)))

    def tick(self, selector):
        self.press(self.find(selector))
        self.clicks += 1

    def choose(self, name, value):
        self.then_another_page(lambda: Select(self.find(f"main select[name={name}]")).select_by_value(value))


@pytest.fixture(scope="module")
def me(browser):  # noqa: F811
    village = Village()
    house = village.house()
    house.serve(now="2025-09-08T10:00:00-05:00")
    for i in range(30):
        house.api.client(f"Nombre {i:02}", surnames="Lista")
    house.api.client("Zoë", surnames="Ñúñez", phone="0990000001")
    house.add_user("ana")
    yield Counted(browser, house)
    village.close()


def test_find_somebody(me):
    me.begin("/clients")
    me.enter("q", "nunez")
    assert "Ñúñez" in me.text() and "Lista" not in me.find("tbody").text
    assert me.clicks <= 1            # admin: Enter in its search box = 1


def test_edit_somebody_found(me):
    me.begin("/clients?q=nunez")
    me.follow("tbody .row-edit a")
    me.find("[name=address]").send_keys("Av. 10 de Agosto")
    me.follow("main form button.main")
    assert "Av. 10 de Agosto" in me.text()
    assert me.clicks <= 2            # admin: row, Save = 2


def test_filter_and_export(me):
    me.begin("/clients")
    me.choose("state", "active")
    link = me.find("main a[href*='.xlsx']")
    assert "state=active" in link.get_attribute("href")
    me.press(link)
    me.clicks += 1
    assert me.clicks <= 2            # admin: filter, all rows, the action of the list, Go, the format, Submit = 6


def test_an_action_for_several(me):
    me.begin("/clients?q=lista")
    for box in me.all("tbody input[name=ids]")[:3]:
        me.press(box)
        me.clicks += 1
    me.follow("main button[formaction$='/actions/archive']")
    assert "3" in me.text()
    me.follow("main form button.danger")
    assert "q=lista" in me.browser.current_url and me.all(".banner.done")
    assert me.clicks <= 3 + 3        # admin: three rows, the action of the list, Go, "Yes, I'm sure" = 3 + 3


def test_an_action_for_all_of_a_list(me):
    me.begin("/clients?q=lista")
    me.tick("main input[name=all]")
    me.follow("main button[formaction$='/actions/archive']")
    me.follow("main form button.danger")
    assert re.search(r"/bulk/[a-z2-7]{26}$", me.browser.current_url)
    wait_until(lambda: (me.browser.refresh(), me.all("main .actions a.main"))[1], "the end of it")
    assert "27" in me.text()
    assert me.clicks <= 5            # admin: all of the page, "select all 27", the action, Go, "Yes, I'm sure" = 5


def test_import_a_file(me, tmp_path):
    path = tmp_path / "clientes.csv"
    path.write_text("Nombres,Apellidos\nIris,Importada\n")
    me.begin("/clients")
    me.follow("main a[href='/clients/import']")
    me.find("main input[type=file]").send_keys(str(path))
    me.clicks += 1                   # choosing the file is a press on both sides
    me.follow("main form button.main")
    wait_until(lambda: (me.browser.refresh(), "Importada" in me.text())[1], "the preview")
    assert not [c for c in me.house.api.all("clients") if c["surnames"] == "Importada"]
    me.press([b for b in me.all("main form button.main")][-1])
    me.clicks += 1
    wait_until(lambda: [c for c in me.house.api.all("clients") if c["surnames"] == "Importada"], "the customer")
    assert me.clicks <= 5            # admin with django-import-export: Import, file, format, Submit, Confirm = 5


def test_see_who_changed_it(me):
    me.begin("/clients?q=nunez")
    me.follow("tbody a")
    assert "ana" in me.find("main .muted time").find_element(By.XPATH, "..").text
    assert me.clicks <= 2            # admin: row, History = 2; who came last stands on the row's own page here
    me.follow("main .actions a[href$='/history']")
    assert "Av. 10 de Agosto" in me.text() and "ana" in me.text()
    assert me.clicks <= 2            # and all of it, field by field: as many as there
