"""The desk of unsure messages: the evidence in front, one decision each, never two, many at once when they broke alike."""
import threading
import urllib.parse

import pytest

from house import Api, Village, text_of, wait_until
from person import DESK, PHONE, Person, browser  # noqa: F401

NOW = "2025-09-08T10:00:00-05:00"
ANA, BETO, CARLA, DORA = "+593995550500", "+593985550500", "+593975550502", "+593990000004"
STOOD_STILL = "algo falló de su lado"
PICTURE = 'input[name="decision"]'


@pytest.fixture(scope="module")
def office():
    """Three messages that nobody is certain of, and one that arrived."""
    village = Village()
    house, standin = village.pair({"outbox.slots": "1"}, "--delivered-ms", "-1")
    house.serve(now=NOW)
    service = house.api.service("Netflix")
    for name, phone in (("Ana", ANA), ("Beto", BETO), ("Carla", CARLA), ("Dora", DORA)):
        house.api.subscription(house.api.client(name, phone), service, "2025-09-11")
    house.call("renewals", "run", "--wait")
    wait_until(lambda: len(house.messages(state="unsure")) == 3, "three unsure ones")
    house.standin = standin
    yield house
    village.close()


@pytest.fixture(scope="module")
def ana(office):
    return office.panel("ana")


def unsure(office):
    return {m["address"]: m for m in office.messages(state="unsure")}


def test_the_evidence_stands_in_front_of_the_question(office, ana):
    office.standin.say(BETO, "¿Cuánto cuesta?")
    wait_until(lambda: office.api.get("inbox")["data"], "the letter")
    page = text_of(ana.page(f"/unsure?id={unsure(office)[BETO]['id']}"))
    assert STOOD_STILL in page                                     # how it broke, in words
    assert "respuesta 500" in page and "Server Error" in page       # what the provider answered
    assert "Beto" in page and "+593 98 555 0500" in page and "tu plan de *Netflix*" in page
    assert "¿Cuánto cuesta?" in page                               # the person wrote since
    assert "2 Sin certeza" in page and "1 Enviado" in page          # others through the same channel
    assert "panel de WaSender" in page                              # where to look
    for said in ("no sale nada otra vez", "lo recibe dos veces", "no cambia nada"):
        assert said in page                                         # what each button does
    assert "no llegó nada de esta persona" in text_of(ana.page(f"/unsure?id={unsure(office)[CARLA]['id']}"))


def test_the_menu_counts_them_and_programs_read_the_same(office, ana):
    assert 'href="/unsure"' in ana.page("/") and '<span class="badge">3</span>' in ana.page("/")
    told = office.api.get("unsure")
    assert told["count"] == 3 and [row["address"] for row in told["data"]] == [ANA, BETO, CARLA]
    assert {"how", "text", "story", "around", "answers", "hint", "same"} <= told["data"][0].keys()
    assert office.api.call("POST", f"unsure/{told['data'][0]['id']}/decide", {"decision": "maybe"}).status == 400


def test_two_persons_deciding_the_same_message_at_once_count_once(office, ana):
    carla, other = unsure(office)[CARLA], office.panel("otro")
    tokens = {panel: panel.csrf() for panel in (ana, other)}
    answers = []

    def decide(panel):
        answers.append(panel.send("POST", f"/unsure/{carla['id']}/decide", {"csrf": tokens[panel], "decision": "arrived"}))
    both = [threading.Thread(target=decide, args=(panel,)) for panel in (ana, other)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(a.status for a in answers) == [303, 409]
    late = text_of(next(a for a in answers if a.status == 409).text)
    assert "ya decidió este" in late and "sí llegó. Tu decisión no cambió nada." in late
    assert "Mensajes sin certeza" in late                           # and the next one stands there
    again = Api(office, office.token("programa")).call("POST", f"unsure/{carla['id']}/decide", {"decision": "again"})
    assert again.status == 409 and "ya decidió este" in again.json["error"]["message"]
    assert [m["state"] for m in office.messages(address=CARLA)] == ["sent"]
    history = text_of(ana.page("/unsure/history"))
    assert "+593 97 555 0502" in history and "Sí llegó" in history
    assert office.api.get("unsure/history")["data"][0]["decision"] == "arrived"


def test_many_that_broke_alike_are_decided_together_after_the_number_was_seen(office, ana):
    first = unsure(office)[ANA]
    where = f"/unsure/{first['id']}/many"
    page = text_of(ana.page(where + "?decision=again"))
    assert "¿Enviar otra vez 2 mensajes?" in page and "Sí, enviar otra vez los 2" in page
    office.standin.set(magic={ANA: None, BETO: None})
    wrong = ana.send("POST", where, {"csrf": ana.csrf(), "decision": "again", "count": "5"})
    assert wrong.status == 409 and "Sí, enviar otra vez los 2" in text_of(wrong.text)
    assert len(unsure(office)) == 2                                 # nothing was done on another number
    assert "Se envían otra vez 2 mensajes." in text_of(ana.post(where, decision="again", count="2"))
    for phone in (ANA, BETO):
        wait_until(lambda: len(office.standin.accepted(phone)) == 1, "the second one")
        wait_until(lambda: sorted(m["state"] for m in office.messages(address=phone)) == ["failed", "sent"], "its word")
        rows = office.messages(address=phone)
        story = text_of(ana.page(f"/outbox/{next(m for m in rows if m['state'] == 'sent')['id']}"))
        assert "Creado para enviarse en lugar de otro" in story and "Enviado más de una vez" in story
    assert "Nada que decidir" in text_of(ana.page("/unsure"))


def test_the_command_line_lists_and_decides_in_numbers(office):
    standin, api = office.standin, office.api
    standin.set(magic={BETO: "500", CARLA: "500"})
    for client in (c for c in api.all("clients") if c["phone"] in (BETO, CARLA)):
        api.post(f"inbox/{api.get('why/clients/' + client['id'])['contact']}/reply", text="Hola")
    rows = wait_until(lambda: len(unsure(office)) == 2 and unsure(office), "two more")
    standin.set(magic={BETO: None, CARLA: None})
    listed = office.run("outbox", "unsure", json_out=True)
    assert {r["address"] for r in listed} == {BETO, CARLA} and "algo falló" in listed[0]["how"]
    assert "No hay ningún mensaje «zz»" in office.call("outbox", "decide", "again", "zz").stderr
    assert office.call("outbox", "decide", "arrived").returncode == 2
    assert "1 mensaje anotado como llegado." in office.run("outbox", "decide", rows[BETO]["id"], "arrived")
    again = office.call("outbox", "decide", "again", rows[BETO]["id"], rows[CARLA]["id"])
    assert again.returncode == 3 and "Se envía otra vez 1 mensaje." in again.stdout     # the other one is done
    assert "ya decidió este" in again.stderr
    assert "0 mensajes" in office.run("outbox", "decide", "arrived", "--batch", listed[0]["batch"])
    wait_until(lambda: not office.messages(state="queued"), "the second one")


@pytest.mark.parametrize("size, lang", [(DESK, "es"), (PHONE, "en")], ids=["desk-es", "phone-en"])
def test_the_desk_is_worked_with_the_keyboard(browser, office, size, lang):  # noqa: F811
    office.standin.set(magic={DORA: "500"})
    dora = next(c for c in office.api.all("clients") if c["phone"] == DORA)
    for _ in range(2):                                               # answers to her, in one minute
        contact = office.api.get("outbox?address=" + urllib.parse.quote(DORA))["data"]
        reply = office.api.get(f"why/clients/{dora['id']}")["contact"]
        office.api.post(f"inbox/{reply}/reply", text="Hola, Dora")
        wait_until(lambda: len(office.messages(address=DORA)) > len(contact), "the answer in the outbox")
        wait_until(lambda: not office.messages(state="queued") and not office.messages(state="sending"), "the end of it")
    waiting = len(unsure(office)) and len(office.messages(state="unsure"))
    assert waiting >= 2
    office.call("user", "add", "clara", "--role", "owner", "--password-stdin", stdin="cuatro gatos en el tejado\n")
    me = Person(browser, office, size, lang, f"unsure-{lang}")
    me.log_in("clara")
    me.go("/unsure")
    me.look("first")
    first = browser.current_url, me.find(PICTURE).find_element("xpath", "..").get_attribute("action")
    body = me.find("body")
    body.send_keys("3")                                              # later: the next one
    wait_until(lambda: "after=" in browser.current_url, "the next one")
    me.look("next")
    assert me.find(PICTURE).find_element("xpath", "..").get_attribute("action") != first[1]
    me.find("body").send_keys("1")                                   # it arrived
    wait_until(lambda: len(office.messages(state="unsure")) == waiting - 1, "one less")
    me.find("main .banner.done")
    me.look("decided")
    assert not me.complaints()
    me.find("body").send_keys("?")                                   # its help
    wait_until(lambda: browser.current_url.endswith("/help/unsure"), "the help")
    for row in office.messages(state="unsure"):
        office.api.post(f"unsure/{row['id']}/decide", decision="arrived")
