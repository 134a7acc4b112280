"""The operator's and the Report Manager's day in a browser, step by step as the manual of the panel tells them.

The steps are read out of the manual's page: what it names between “ ” is looked for on the screen by just these words,
and a name that no step of the test used is a failure. So a manual that no longer fits the panel fails here.
"""
import re

import pytest

from house import Village, request, wait_until
from person import DESK, Person, browser  # noqa: F401 (a fixture)

webdriver = pytest.importorskip("selenium.webdriver")
from selenium.common.exceptions import NoAlertPresentException, StaleElementReferenceException  # noqa: E402
from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402

SETTINGS = {"doppler.from_email": "avisos@tienda.example", "doppler.from_name": "Tienda", "sends.pace_ms": "5000",
            "reports.poll_first_s": "1", "reports.poll_most_s": "1", "reports.timer": "no", "reports.after_send": "no",
            "reports.manual_age_min": "0"}
BALANCE = "11111111-1111-4111-8111-111111111111"          # a template of the stand-in
ROWS = 12
GOOD = "email;nombre;Valor\n" + "".join(f"cliente{n:02}@example.com;Persona {n};{n},50\n" for n in range(ROWS)) + \
    "reset@example.com;Eva;1,00\nsin-arroba;Leo;2,00\n"
BAD = "nombre;Valor\nAna;1,00\n"
NAMES = re.compile("“([^”]+)”")


@pytest.fixture(scope="module")
def house():
    village = Village()
    made = village.house(SETTINGS).serve()
    made.add_user("olga", "operadores_ui")
    made.add_user("rita", "report_managers")
    yield made
    village.close()


class Reader(Person):
    """Somebody who does what the manual says, and only with the words it uses."""

    def read_manual(self):
        self.go("/help/manual")
        self.days = {day: [NAMES.findall(li.text) for li in self.all(f"#{day} li")] for day in ("operator", "manager", "stuck")}
        self.used = set()

    def begin(self, day):
        self.day, self.number = day, -1

    def step(self, number):
        """The names of this step; those of all steps before were used."""
        left = [name for names in self.days[self.day][:number - 1] for name in names if name not in self.used]
        assert left == [], f"the manual's {self.day} before step {number} names {left}, which nobody needed"
        self.number = number - 1

    def _named(self, name):
        names = self.days[self.day][self.number]
        assert name in names, f"step {self.number + 1} of the manual's {self.day} names {names}, not “{name}”"
        self.used.add(name)
        return name

    def do(self, name):
        self.click_text(self._named(name))

    def confirms(self):
        """The question that a button asks before it does something."""
        try:
            question = self.browser.switch_to.alert
        except NoAlertPresentException:
            raise AssertionError("nobody asked whether it is meant") from None
        assert question.text.strip()
        question.accept()

    def sees(self, name):
        wait_until(lambda: self._named(name) in self.text(), f"“{name}” on the page")

    def field(self, name):
        """The control that this label belongs to."""
        self._named(name)
        return wait_until(lambda: self.browser.execute_script(
            "for (const l of document.querySelectorAll('main label')) {"
            " const c = l.cloneNode(true); c.querySelectorAll('.must, select, input').forEach(e => e.remove());"
            " if (c.textContent.trim() === arguments[0]) return l.control; } return null", name), f"a field “{name}”")

    def end(self):
        self.step(len(self.days[self.day]) + 1)

    def until(self, *words):
        """Wait for one of these words, looking anew as a person would."""
        def seen():
            try:
                return next((w for w in words if w in self.text()), None)
            except StaleElementReferenceException:
                return None
        try:
            return wait_until(seen, words)
        except AssertionError as e:
            raise AssertionError(f"{e} on {self.browser.current_url}, which says:\n{self.text()}") from None

    def follow(self, address):
        """Press the link to this page until it is there: a browser that is at a download may lose a click."""
        def there():
            try:
                link = next((a for a in self.all("main a") if a.get_attribute("href") == address), None)
                if link is not None and self.browser.current_url != address:
                    self.press(link)
            except StaleElementReferenceException:
                pass
            return self.browser.current_url == address
        wait_until(there, address)

    def file(self, name, text):
        path = self.house.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)


def kept(me, house, name):
    """A send that was only kept, as a colleague left it."""
    return house.run("sends", "create", me.file(name, GOOD), "--template", BALANCE, "--hold", json_out=True)["id"]


def test_the_operator_makes_a_send_from_the_manuals_own_steps(browser, house):  # noqa: F811
    me = Reader(browser, house, DESK, "es", "operator")
    me.log_in("olga")
    me.read_manual()
    me.begin("operator")
    me.go("/")
    me.step(1)
    me.do("Envíos")
    me.step(2)
    me.do("Agregar: Envío masivo")
    me.step(3)
    Select(me.field("Plantilla")).select_by_visible_text(f"Aviso de saldo (id={BALANCE})")
    assert me.field("Asunto").get_attribute("value") == "Tu saldo, {{nombre}}"
    me.step(4)
    assert Select(me.field("Remitente")).first_selected_option.text == "Correo predeterminado (avisos@tienda.example)"
    me.step(5)
    me.field("Archivo de destinatarios (CSV)").send_keys(me.file("mala.csv", BAD))
    me.step(6)
    me.do("Vista previa")
    me.until("No detectada")
    me.look("wrong-file")
    assert "columna" in me.find("main .banner.error").text and house.sql("SELECT count(*) FROM bulk_send") == [(0,)]
    me.find("[name=recipients_file]").send_keys(me.file("sin-valor.csv", GOOD.replace("Valor", "valor")))
    me.do("Vista previa")
    me.until("La plantilla necesita variables que el archivo no tiene en todas las filas: Valor")
    me.find("[name=recipients_file]").send_keys(me.file("clientes.csv", GOOD))
    me.do("Vista previa")
    me.until(f"{ROWS + 2}\nFilas del archivo")
    assert "Tu saldo, Persona 0" in me.text() and "no es una sola dirección" in me.text()
    me.do("Fila siguiente")
    me.until("Tu saldo, Persona 1")
    me.look("preview")
    me.step(7)
    assert me.field("Programar envío").get_attribute("value") == ""
    assert me.field("Encolar envío inmediatamente").is_selected()
    me.step(8)
    button = next(b for b in me.all("main button") if b.text == me._named("Crear envío"))
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
    ActionChains(browser).double_click(button).perform()
    me.until("Refrescar detalle")
    assert house.sql("SELECT count(*) FROM bulk_send") == [(1,)], "pressed twice"
    send = browser.current_url.rsplit("/", 1)[1]
    me.step(9)
    me.until("enviando")
    assert me.all("main progress, main [role=progressbar]"), "a bar"
    me.look("under-way")
    me.do("Refrescar detalle")
    me.step(10)
    me.do("Pausar")
    me.until("en pausa")
    house.set("sends.pace_ms", "100")                              # somebody has seen it under way: no more need to dawdle
    me.do("Reanudar")
    me.until("enviando", "terminado")
    other, third = kept(me, house, "otros.csv"), kept(me, house, "terceros.csv")
    me.go("/sends/" + other)
    me.do("Cancelar")
    me.confirms()
    me.until("cancelado")
    me.step(11)
    me.go("/sends/" + third)
    assert me.all("[name=scheduled_at]"), "its hour"
    me.do("Encolar envío")
    me.confirms()
    me.until("enviando", "en cola", "terminado")
    me.step(12)
    me.go("/sends/" + send)
    me.until("terminado")
    me.do("Ver las filas")
    me.click_text("Inválida")
    me.until("sin-arroba")
    assert [a.text for a in me.all(".head a.button")] == ["Excel", "CSV"] and me.all("[href*='rows.csv'][href*='invalid']")
    me.begin("stuck")
    me.step(2)
    me.go("/sends/" + send)
    me.sees("Auditoría")
    me.used.add("Reintentar")                                      # nothing failed here
    me.step(5)
    me.do("Decidir")
    me.until("reset@example.com")
    me.click_text("Confirmado enviado")
    assert browser.current_url.endswith("/unsure"), "no reason, no decision"
    me.find("[name=reason]").send_keys("Eva contestó el correo")
    me.look("decide")
    me.click_text("Confirmado enviado")
    wait_until(lambda: not browser.current_url.endswith("/unsure"), "the send's page")
    assert "Decidir" not in me.text()
    me.end()
    me.begin("operator")
    me.step(13)
    me.go("/sends/" + send)
    me.do("Actualizar reporte")
    me.step(14)

    def shown():
        me.go("/sends/" + send)
        return "Ver reporte" in me.text()
    wait_until(shown, "the report")
    me.sees("Descargar")
    me.do("Ver reporte")
    me.until("Totales por tipo")
    me.look("figures")
    me.end()
    assert me.complaints() == []


def loads(house):
    """How many loads there were, and how many of them are over."""
    return tuple(house.sql(f"SELECT count(*) FROM job WHERE kind = 'sends.load_report'{over}")[0][0]
                 for over in ("", " AND state = 'done'"))


def test_the_report_manager_does_the_manuals_own_steps(browser, house):  # noqa: F811
    assert request(house.address, "POST", "/_standin/doppler", '{"report": {"lines": 3}}',
                   {"Content-Type": "application/json"}).status == 200
    me = Reader(browser, house, DESK, "es", "manager")
    me.log_in("rita")
    me.read_manual()
    me.begin("manager")
    me.step(1)
    me.do("Envíos")
    me.do("Reportes de envíos")
    me.step(2)
    me.do("Solicitar reporte")
    Select(me.field("Tipo de reporte")).select_by_index(0)
    for name in ("Primer día", "Último día"):
        browser.execute_script("arguments[0].value = '2026-01-05'", me.field(name))
    me.press(next(b for b in me.all("main button") if b.text == "Solicitar reporte"))
    me.until("Reportes de envíos")
    me.look("asked")
    me.step(3)
    me.do("Procesar pendientes ahora")
    me.step(4)

    def ready():
        me.go("/reports?state=READY")
        mine = [row for row in me.all("tbody tr") if "05/01/2026" in row.text]
        return mine and mine[0].find_elements("css selector", "a[href^='/reports/']")
    links = wait_until(ready, "the report")
    me.sees("Listo")
    me.look("list")
    report = next(a.get_attribute("href") for a in links if not a.get_attribute("href").endswith("/download"))
    me.press(next(a for a in links if a.text == me._named("Descargar")))
    me.step(5)
    me.follow(report)
    me.until("Cargar BD (default)")
    before = loads(house)
    me.do("Cargar BD (default)")

    def loaded():
        me.go(report[len(house.address):])
        return "Recargar (default)" in me.text()
    wait_until(loaded, "the load")
    assert "Cargar BD (default)" not in me.text(), "a second load has no button"
    me.sees("Cargado en: default")
    me.look("loaded")
    one = report.rsplit("/", 1)[1]
    again = browser.execute_async_script(
        "const done = arguments[1]; fetch(arguments[0], {method: 'POST', redirect: 'manual', headers: {'Content-Type':"
        " 'application/x-www-form-urlencoded'}, body: 'csrf=' + document.querySelector('[name=csrf]').value})"
        ".then(r => done(r.status))", f"/reports/{one}/load-default")
    assert again != 200 and loads(house) == (before[0] + 1, before[1] + 1), again
    me.do("Recargar (default)")
    me.until("¿Reemplazar las filas de esos días por las del archivo?")
    me.press(me.find("main form button.danger, main form button.main"))
    wait_until(lambda: loads(house) == (before[0] + 2, before[1] + 2), "the second load")
    me.end()
