"""The outbox as a list to look through, each message with its whole story, channels to stop and let go."""
import re
import urllib.parse

import pytest

from house import Village, text_of, wait_until

DAY = "2025-09-08"
NOW = DAY + "T10:00:00-05:00"
ARRIVES, REFUSED, BROKEN, BUSY = "+593990000021", "+593995550422", "+593995550500", "+593995550428"


@pytest.fixture(scope="module")
def office():
    village = Village()
    house, standin = village.pair({"outbox.slots": "1", "whatsapp.per_day": "500", "whatsapp.check_after_s": "1"},
                                  "--delivered-ms", "50", "--read-ms", "100")
    house.standin = standin
    house.serve(now=NOW)
    service = house.api.service("Netflix")
    house.clients = {}
    for name, phone in (("Ana Ríos", ARRIVES), ("Beto Paz", REFUSED), ("Carla Sol", BROKEN)):
        given, surnames = name.split()
        house.clients[phone] = house.api.client(given, phone, surnames=surnames)
        house.api.subscription(house.clients[phone], service, "2025-09-11")
    house.call("renewals", "run", "--wait")
    wait_until(lambda: message(house, ARRIVES)["state"] == "read", "the phone's word")
    house.ana = house.panel("ana")
    yield house
    village.close()


def message(house, phone):
    rows = house.messages(address=phone)
    return rows[0] if rows else {"state": ""}


def listed(house, **filters):
    page = house.ana.page("/outbox?" + urllib.parse.urlencode(filters))
    return len(re.findall(r'<td class="short" data-label="Para">', page))


@pytest.mark.parametrize("filters, count", [
    ({}, 3), ({"channel": "whatsapp"}, 3), ({"channel": "email"}, 0), ({"topic": "notice"}, 3), ({"topic": "service"}, 0),
    ({"occasion": "notice"}, 3), ({"occasion": "reply"}, 0), ({"reason": "no_whatsapp"}, 1), ({"reason": "server_error"}, 1),
    ({"from": DAY}, 3), ({"from": "2025-09-09"}, 0), ({"to": "2025-09-07"}, 0), ({"from": DAY, "to": DAY}, 3),
    ({"who": "Ana Ríos"}, 1), ({"who": "ana"}, 1), ({"who": ARRIVES}, 1), ({"who": "0990000021"}, 1),
    ({"state": "unsure", "channel": "whatsapp", "from": DAY}, 1), ({"address": REFUSED}, 1)])
def test_messages_are_found_by_everything_that_is_known_of_them(office, filters, count):
    assert listed(office, **filters) == count
    assert len(office.api.all("outbox", **filters)) == count


def test_whoever_cannot_be_found_is_told_by_name(office):
    page = office.ana.send("GET", "/outbox?who=zzzz")
    assert page.status == 400 and "«zzzz»" in text_of(page.text)
    assert office.api.call("GET", "outbox?who=zzzz").status == 400


def test_the_counts_on_top_lead_to_exactly_these(office):
    page = office.ana.page("/outbox")
    cards = re.findall(r'<div class="figure[^"]*">\s*<a href="([^"]+)"><span class="value">(\d+)</span> <span class="name">([^<]+)',
                       page)
    told = {name: (href.replace("&amp;", "&"), int(n)) for href, n, name in cards}
    assert told["Sin certeza"] == ("/unsure", 1) and told["Fallido"][1] == 1 and told["Leído hoy"][1] == 1
    for name, (href, n) in told.items():
        if href.startswith("/outbox?"):
            assert listed(office, **dict(urllib.parse.parse_qsl(href.split("?")[1]))) == n, name


def story(office, phone):
    row = message(office, phone)
    page = text_of(office.ana.page(f"/outbox/{row['id']}"))
    told = office.api.get(f"outbox/{row['id']}/story")
    assert [e["at"] for e in told["data"]] == sorted(e["at"] for e in told["data"])
    return page, [e["event"] for e in told["data"]]


def test_a_message_tells_its_life_in_order(office):
    page, events = story(office, ARRIVES)
    assert events[0] == "Creado" and "Intento: el proveedor lo aceptó" in events
    for word in ("entregado", "leído"):
        assert any(e.lower().endswith(word) for e in events), events
    assert "respuesta 200" in page and "Avisos de renovación" in page and "Ana Ríos" in page
    assert "tu plan de *Netflix*" in page                                  # the text as it left
    page, events = story(office, REFUSED)
    assert events[-1] == "Intento: rechazado definitivamente" and "respuesta 422" in page


def test_what_waits_says_what_for_and_what_was_cancelled_by_whom(office):
    contact = office.api.get(f"why/clients/{office.clients[ARRIVES]['id']}")["contact"]
    office.api.post("channels/whatsapp/stop", reason="se cambia el teléfono")
    office.api.post(f"inbox/{contact}/reply", text="Ya vamos")
    row = office.api.all("outbox", state="queued")[0]
    page = text_of(office.ana.page(f"/outbox/{row['id']}"))
    assert "Ahora: espera" in page and "El canal WhatsApp está detenido." in page
    assert "Después de esto ya no se envía" in page
    office.ana.post(f"/outbox/{row['id']}/cancel")
    assert "Una persona lo canceló" in text_of(office.ana.page(f"/outbox/{row['id']}"))
    events = office.api.get(f"outbox/{row['id']}/story")["data"]
    assert next(e["by"] for e in events if e["event"] == "Una persona lo canceló") == "ana"
    office.api.post("channels/whatsapp/open")


def test_a_batch_tells_how_far_it_is(office):
    batch = office.api.get("batches")["data"][-1]
    page = text_of(office.ana.page(f"/batches/{batch['id']}"))
    assert "3 de 3" in page and "1 33 %" in page


# --- channels ---

def test_each_channel_shows_its_state_and_what_left_against_its_cap(office):
    page = text_of(office.ana.page("/channels"))
    assert "WhatsApp Abierto" in page and "Sin configurar" in page and "de 500" in page and "Correo" in page
    told = {c["name"]: c for c in office.api.get("channels")["data"]}
    assert told["whatsapp"]["state"] == "open" and told["whatsapp"]["per_day"] == 500 and told["whatsapp"]["unsure"] == 1
    page = text_of(office.ana.page("/channels/whatsapp"))
    assert "Salieron hoy" in page and "de 500" in page and "Último error" in page
    assert office.ana.send("GET", "/channels/pigeon").status == 404
    assert text_of(office.ana.page("/gateway")).count("Salieron hoy") == 1          # the old address


def test_a_channel_is_paused_with_a_reason_and_tried(office):
    page = text_of(office.ana.post("/channels/whatsapp/stop", reason="se cambia el teléfono"))
    assert "Detenido: no sale nada" in page and "se cambia el teléfono" in page
    office.ana.post("/channels/whatsapp/test")
    job = office.api.call("POST", "channels/whatsapp/test")
    assert job.status == 202
    wait_until(lambda: "La pasarela responde y el teléfono está conectado." in
               text_of(office.ana.page(f"/channels/whatsapp?test={job.json['job']}")), "the answer")
    assert "Abierto: los mensajes salen" in text_of(office.ana.post("/channels/whatsapp/open"))


def test_what_a_stopped_channel_holds_is_shown_and_the_old_is_cancelled_first(office):
    contact = office.api.get(f"why/clients/{office.clients[ARRIVES]['id']}")["contact"]
    office.api.post("channels/whatsapp/stop")
    for text in ("uno", "dos"):
        office.api.post(f"inbox/{contact}/reply", text=text)
    page = text_of(office.ana.page("/channels/whatsapp"))
    assert "Retenidos: 2 mensajes. Si lo abres, 2 pueden salir enseguida." in page and "todos: 2" in page
    asked = text_of(office.ana.page("/channels/whatsapp/cancel-held?age=all"))
    assert "¿Cancelar 2 mensajes retenidos de WhatsApp" in asked
    assert office.api.call("POST", "channels/whatsapp/cancel-held", {"age": "3d"}).status == 400
    assert office.api.post("channels/whatsapp/cancel-held", age="7d") == {"cancelled": 0}
    assert "Se cancelaron 2 mensajes." in text_of(office.ana.post("/channels/whatsapp/cancel-held", age="all"))
    assert not office.api.all("outbox", state="queued")
    office.api.post("channels/whatsapp/open")


def test_the_kill_switch_holds_everything_and_stands_on_every_page(office):
    contact = office.api.get(f"why/clients/{office.clients[ARRIVES]['id']}")["contact"]
    assert "¿Detener todo?" in text_of(office.ana.page("/channels/stop-all"))
    assert "Todo está detenido" in text_of(office.ana.post("/channels/stop-all", reason="prueba"))
    before = len(office.standin.received(ARRIVES))
    office.api.post(f"inbox/{contact}/reply", text="mientras tanto")
    for path in ("/clients", "/outbox", "/me"):
        page = office.ana.page(path)
        assert re.search(r'<p class="banner error" role="alert">Todo está detenido[^<]*<a href="/channels">', page), path
    row = office.api.all("outbox", state="queued")[0]
    assert "Todo está detenido desde el" in text_of(office.ana.page(f"/outbox/{row['id']}"))
    assert len(office.standin.received(ARRIVES)) == before
    assert "¿Dejar salir todo de nuevo?" in text_of(office.ana.page("/channels/resume-all"))
    assert "Los mensajes vuelven a salir." in text_of(office.ana.post("/channels/resume-all"))
    wait_until(lambda: len(office.standin.received(ARRIVES)) == before + 1, "what waited")
    assert "banner error" not in office.ana.page("/clients")
    assert office.panel("rita", "reader").send("POST", "/channels/stop-all", {"csrf": "x"}).status == 403
