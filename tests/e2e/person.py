"""Somebody at a real browser: a window of some size, a language, eyes that keep pictures in build/screens."""
import base64
import os
import pathlib
import time

import pytest

from house import PASSWORD, ROOT, wait_until

webdriver = pytest.importorskip("selenium.webdriver")
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

SCREENS = pathlib.Path(os.environ.get("RECADO_BUILD") or ROOT / "build") / "screens"
DESK, PHONE = (1280, 900), (390, 844)
# What a person sees, asked for all elements at once: a question for each would take a slow browser very long.
VISIBLE = "e => e.getClientRects().length > 0 && e.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update", "--lang=es",
                 f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    try:
        made = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    except WebDriverException as e:
        pytest.skip(f"no browser here: {e.msg}")
    yield made
    made.quit()


class Person:
    """Somebody at the panel with a window of some size, in some language."""

    def __init__(self, browser, house, size, lang, label):
        self.browser, self.house, self.lang, self.label, self.count = browser, house, lang, label, 0
        self.sent_from = None                   # the page whose form was sent last
        width, height = size
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
        browser.get(house.address + "/health/live")
        browser.delete_all_cookies()
        browser.get_log("browser")
        self.go("/login")
        if lang == "en":
            self.click_text("English")

    def log_in(self, name="ana"):
        self.find("input[name=name]").send_keys(name)
        self.find("input[name=password]").send_keys(PASSWORD + Keys.ENTER)
        wait_until(lambda: not self.browser.current_url.endswith("/login"), "the home page")

    def scheme(self, value):
        """light or dark, as the system would prefer it"""
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": value}]})

    def go(self, path):
        """Type an address; whoever has just sent a form waits for the answer first, or it would never leave."""
        page, self.sent_from = self.sent_from, None
        end = time.monotonic() + 10             # a form that was not complete stays where it is
        while page and self._page() == page and time.monotonic() < end:
            time.sleep(0.02)
        self.browser.get(self.house.address + path)

    def _page(self):
        return next((e.id for e in self.browser.find_elements(By.TAG_NAME, "html")), None)

    def find(self, selector):
        """The first such element; the page may still be on its way."""
        return wait_until(lambda: next(iter(self.browser.find_elements(By.CSS_SELECTOR, selector)), None), selector)

    def all(self, selector):
        return self.browser.execute_script(f"return [...document.querySelectorAll(arguments[0])].filter({VISIBLE})", selector)

    def text(self):
        return self.browser.execute_script("return document.body ? document.body.innerText : ''")

    def look(self, name):
        """Keep a picture; whatever overflows the window sideways is a finding."""
        SCREENS.mkdir(parents=True, exist_ok=True)
        self.count += 1
        shot = self.browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": True})
        (SCREENS / f"{self.label}-{self.count:02}-{name}.png").write_bytes(base64.b64decode(shot["data"]))
        wide, window = self.browser.execute_script(
            "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide <= window, f"{name} is {wide} wide in a window of {window}"

    def click_text(self, *words):
        """Press the visible link or button with one of these words; the page may still be changing."""
        def wanted():
            return self.browser.execute_script(
                f"return [...document.querySelectorAll('a, button, summary')].filter({VISIBLE})"
                ".find(e => arguments[0].includes(e.innerText.trim())) || null", words)
        self.press(wait_until(wanted, f"something to press that says {words}"))

    def press(self, element):
        is_sent = self.browser.execute_script(
            "arguments[0].scrollIntoView({block: 'center'}); return !!(arguments[0].form && arguments[0].form.method === 'post')",
            element)
        self.sent_from = self._page() if is_sent else None
        element.click()

    def complaints(self):
        """What the browser itself found wrong: scripts, policies, missing files."""
        return [e["message"] for e in self.browser.get_log("browser") if e["level"] in ("SEVERE", "WARNING")]
