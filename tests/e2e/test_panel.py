"""A morning with ten thousand customers in a real browser: big screen and phone, two languages, without scripts too."""
import os
import pathlib
import re
import shutil
import tempfile
import unicodedata
import urllib.parse

import pytest

from house import PASSWORD, PATIENCE, ROOT, Village, wait_until
from test_import import big_file

webdriver = pytest.importorskip("selenium.webdriver")
from selenium.webdriver.chrome.service import Service  # noqa: E402

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs chromium and chromium-driver")

MORNING = "2025-09-08T10:00:00-05:00"
SCREENS = pathlib.Path(os.environ.get("RECADO_BUILD") or ROOT / "build") / "screens"
FLAGS = ("--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
         "--disable-component-update --disable-sync --disable-dev-shm-usage").split()
PHONE, SCREEN = (390, 844), (1280, 900)
SIZES = {"phone": PHONE, "screen": SCREEN}
WORDS = {
    "es": {"home": "Inicio", "clients": "Clientes", "periods": "2 períodos: hasta el ", "sent": "Enviado",
           "notices": "Avisos"},
    "en": {"home": "Home", "clients": "Customers", "periods": "2 periods: until ", "sent": "Sent",
           "notices": "Notices"},
}


class Browser:
    """What a person does: look, type, press."""

    def __init__(self, house, with_scripts=True):
        options = webdriver.ChromeOptions()
        self.profile = tempfile.mkdtemp(prefix="recado-chromium-")
        for flag in [*FLAGS, "--user-data-dir=" + self.profile]:
            options.add_argument(flag)
        options.binary_location = CHROMIUM
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        if not with_scripts:
            options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
        self.house, self.name = house, ""
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        self.driver.set_page_load_timeout(PATIENCE)

    def close(self):
        self.driver.quit()
        shutil.rmtree(self.profile, ignore_errors=True)

    def fresh(self, size=SCREEN, lang="es"):
        """A new person sits down before the log-in page."""
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE})
        self.driver.get_log("browser")
        self.name = f"panel-{lang}-{'phone' if size == PHONE else 'screen'}"
        self.open("/login?lang=" + lang)
        return self

    def open(self, path):
        self.driver.get(self.house.address + path)
        self.check()

    def check(self):
        """Nothing sticks out sideways, nothing failed to load."""
        size = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})
        assert size["cssContentSize"]["width"] <= size["cssLayoutViewport"]["clientWidth"], (self.path, size)
        bad = [row["message"] for row in self.driver.get_log("browser") if row["level"] in ("SEVERE", "WARNING")]
        assert [row for row in bad if " status of 4" not in row] == [], self.path

    @property
    def path(self):
        return urllib.parse.urlsplit(self.driver.current_url).path

    def all(self, selector):
        return self.driver.find_elements("css selector", selector)

    def one(self, selector):
        found = self.all(selector)
        assert found, f"no {selector} on {self.path}"
        return found[0]

    def text(self, selector="main"):
        return " ".join(self.one(selector).text.split())

    def type(self, field, value):
        box = self.one(f"[name={field}]")
        box.clear()
        box.send_keys(value)

    def press(self, selector):
        """Press what leads to another page and wait for that page."""
        before = self.one("html").id
        self.one(selector).click()
        wait_until(lambda: [page for page in self.all("html") if page.id != before]
                   and self.driver.execute_script("return document.readyState") == "complete", "the next page")
        self.check()

    def menu_is_open(self):
        return self.one(".menu details").get_attribute("open") is not None

    def go(self, path):
        """By the menu; on a phone it is unfolded first."""
        if not self.menu_is_open():
            self.one(".menu summary").click()
        self.press(f'.menu a[href="{path}"]')

    def log_in(self, name="ana", password=PASSWORD):
        self.type("name", name)
        self.type("password", password)
        self.press("main form button[type=submit]")

    def photo(self, what):
        SCREENS.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(SCREENS / f"{self.name}-{what}.png"))


def plain(text):
    """As one types who has no time for accents."""
    return "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))


class Shop:
    """Ten thousand customers out of a file, and the morning's notices sent."""

    def __init__(self, village):
        self.house, self.standin = village.pair({}, "--delivered-ms", "-1", "--read-ms", "-1")
        self.house.serve(now=MORNING)
        for name, price in (("Netflix", 1299), ("HBO Max", 999), ("Disney+", 799), ("Paramount+", 599)):
            self.house.api.service(name, price)
        self.house.import_csv(big_file(10000), "--commit")
        self.house.run_today()
        self.house.add_user("ana")
        # Customers who were written to today and have an accent to type around.
        self.written_to = [row for row in self.house.notices() if re.search("[ñáéíóúü]", row["client_name"])]


@pytest.fixture(scope="module")
def shop():
    village = Village()
    yield Shop(village)
    village.close()


@pytest.fixture(scope="module")
def browser(shop):
    made = Browser(shop.house)
    yield made
    made.close()


@pytest.mark.parametrize("lang", ["es", "en"])
@pytest.mark.parametrize("size", SIZES)
def test_from_the_log_in_to_the_renewed_customer(shop, browser, lang, size):
    words = WORDS[lang]
    notice = shop.written_to[["es", "en"].index(lang) * 2 + list(SIZES).index(size)]
    client = shop.house.api.get("clients/" + notice["client_id"])
    sub = shop.house.api.get("subscriptions/" + notice["subscription_id"])
    browser.fresh(SIZES[size], lang).photo("login")
    browser.log_in()
    assert browser.path == "/" and browser.text("h1") == words["home"]
    assert browser.one("html").get_attribute("lang") == lang
    browser.photo("home")
    browser.go("/clients")
    assert browser.text("h1") == words["clients"] and len(browser.all("tbody tr")) >= 20
    browser.photo("clients")
    browser.type("q", plain(client["title"]))
    browser.press(".search button")
    row, = browser.all("tbody tr")
    assert client["surnames"] in row.text
    browser.photo("search")
    browser.press("tbody tr a")
    assert browser.path == "/clients/" + client["id"] and browser.text("h1") == client["title"]
    browser.photo("client")
    browser.press(f'a[href="/subscriptions/{sub["id"]}"]')
    browser.press(f'a[href="/subscriptions/{sub["id"]}/renew"]')
    choices = [option.text for option in browser.all("select[name=periods] option")]
    two, = [text for text in choices if text.startswith(words["periods"])]
    assert f"${sub['price_cents'] * 2 / 100:.2f}" in two, choices
    browser.photo("renew")
    browser.one(f"select[name=periods] option:nth-child({choices.index(two) + 1})").click()
    browser.press("main form button.main")
    assert browser.path == "/subscriptions/" + sub["id"] and browser.text(".banner.done")
    after = shop.house.api.get("subscriptions/" + sub["id"])["ends_on"]
    day = "/".join(reversed(after.split("-")))
    assert after >= "2025-11-07" and day in two and day in browser.text()
    browser.photo("renewed")
    browser.open("/clients/" + client["id"])
    browser.press('main a[href*="/notices?"]')
    assert browser.text("h1") == words["notices"]
    assert any(words["sent"] in row.text for row in browser.all("tbody tr"))
    browser.photo("notices")
    browser.press(f'a[href="/notices/{notice["id"]}"]')
    assert client["title"] in browser.text("h1")
    browser.photo("notice")
    assert len(shop.standin.accepted(client["phone"])) == 2        # the notice, and that it was renewed


@pytest.mark.parametrize("lang", ["es", "en"])
@pytest.mark.parametrize("size", SIZES)
def test_every_page_of_the_menu_fits_the_window_and_speaks_the_language(browser, lang, size):
    browser.fresh(SIZES[size], lang).log_in()
    paths = [urllib.parse.urlsplit(a.get_attribute("href")).path for a in browser.all(".menu a")]
    assert len(paths) > 12
    for path in [*paths, "/clients/new", "/subscriptions/new", "/payments/new", "/services/new", "/users/new"]:
        browser.open(path)
        assert browser.one("html").get_attribute("lang") == lang and browser.text("h1"), path
        if lang == "es":
            browser.photo("menu" + path.replace("/", "_"))


def test_large_sums_stay_inside_their_boxes(browser):
    for size in SIZES.values():
        browser.fresh(size).log_in()
        figures = [box for box in browser.all(".figure .value") if box.is_displayed()]
        assert any(len(box.text) >= 10 for box in figures)
        for box in figures:
            assert int(box.get_attribute("scrollWidth")) <= int(box.get_attribute("clientWidth")), box.text


def test_a_phone_gets_a_folded_menu_and_rows_that_read_downwards(browser):
    browser.fresh(PHONE).log_in()
    assert not browser.menu_is_open()
    browser.go("/clients")
    name, phone = browser.all("tbody tr:first-child td[data-label]")[:2]
    assert phone.location["y"] > name.location["y"] and abs(phone.location["x"] - name.location["x"]) < 2
    for button in browser.all("main button, main a.button"):
        assert not button.is_displayed() or button.size["height"] >= 40, button.text       # a thumb is wide


LINES = """return [...document.querySelectorAll(arguments[0])].map(cell => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    return [cell.textContent, new Set([...range.getClientRects()].map(box => Math.round(box.bottom / 8))).size];
});"""


def test_dates_numbers_and_phones_stay_on_one_line(browser):
    browser.fresh((1024, 768)).log_in()
    for path in ("/clients", "/subscriptions", "/payments", "/notices", "/outbox"):
        browser.open(path)
        cells = [cell for cell in browser.driver.execute_script(LINES, "tbody td.short") if cell[0].strip()]
        assert len(cells) > 20, path
        assert [cell for cell in cells if cell[1] != 1] == [], path


def test_a_long_address_stays_inside_the_phone(shop, browser):
    shop.house.api.client("María de los Ángeles", "+593987654399", surnames="Larga de Verdad Quiñónez",
                          email="maria.de.los.angeles.larga.de.verdad@correo.example.com")
    browser.fresh(PHONE).log_in()
    browser.open("/clients?q=larga+de+verdad")
    row, = browser.all("tbody tr")
    assert "correo.example.com" in row.text
    browser.photo("long-address")
    box = browser.one(".scroll")
    assert int(box.get_attribute("scrollWidth")) <= int(box.get_attribute("clientWidth"))
    browser.open("/services")
    for box in browser.all(".scroll"):
        assert int(box.get_attribute("scrollWidth")) <= int(box.get_attribute("clientWidth"))


def test_the_language_chosen_before_the_log_in_stays(browser):
    browser.fresh(lang="es")
    browser.press('.person a[lang="en"]')
    browser.log_in()
    assert browser.text("h1") == "Home"
    browser.open("/clients")
    assert browser.text("h1") == "Customers"


def test_a_wrong_password_is_said_on_the_page_and_the_name_stays(browser):
    browser.fresh().log_in(password="no es esta")
    assert browser.path == "/login" and "contraseña" in browser.text("[role=alert]")
    assert browser.one("[name=name]").get_attribute("value") == "ana"
    browser.type("password", PASSWORD)
    browser.press("main form button[type=submit]")
    assert browser.path == "/"


def test_with_the_keyboard_one_jumps_over_the_menu(browser):
    browser.fresh().log_in()
    browser.open("/services")
    browser.one("body").send_keys("\ue004")         # Tab
    skip = browser.driver.switch_to.active_element
    assert skip.get_attribute("href").endswith("#main") and skip.is_displayed()
    skip.send_keys("\ue007")                        # Enter
    assert browser.driver.switch_to.active_element.get_attribute("id") == "main"


def test_a_dangerous_step_asks_first_and_back_means_no(shop, browser):
    client = shop.house.api.client("Para archivar", "+593987654321")
    browser.fresh().log_in()
    browser.open("/clients/" + client["id"])
    browser.press(f'a[href="/clients/{client["id"]}/archive"]')
    browser.press("main a.button")
    assert shop.house.api.get("clients?q=para+archivar")["data"]
    browser.open(f'/clients/{client["id"]}/archive')
    browser.press("main form button.danger")
    assert not shop.house.api.get("clients?q=para+archivar")["data"]


def test_the_panel_works_without_scripts(shop):
    browser = Browser(shop.house, with_scripts=False)
    try:
        browser.fresh(PHONE).log_in()
        assert browser.menu_is_open()               # no script folded it
        notice = shop.written_to[8]
        browser.go("/clients")
        browser.type("q", plain(notice["client_name"]))
        browser.press(".search button")
        assert len(browser.all("tbody tr")) == 1
        browser.press("tbody tr a")
        browser.press(f'a[href="/subscriptions/{notice["subscription_id"]}"]')
        browser.press(f'a[href="/subscriptions/{notice["subscription_id"]}/renew"]')
        browser.press("main form button.main")
        assert browser.text(".banner.done")
        assert shop.house.api.get("subscriptions/" + notice["subscription_id"])["ends_on"] > notice["cycle_ends_on"]
        browser.press("button.quiet")
        assert browser.path == "/login"
    finally:
        browser.close()
