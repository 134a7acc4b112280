"""“Why did Ana not get it?”: every rule that stops a message has its sentence on the person's page, in both languages."""
import json
import pathlib
import re

import pytest

from house import ROOT, Village, text_of, wait_until

DAY = "2025-09-08"
NOW, LATER = DAY + "T10:00:00-05:00", DAY + "T10:30:00-05:00"
DEAD = "+593995550422"

# Who: (number, ends on, what is done before the day's run, the rule, Spanish, English)
PEOPLE = {
    "Sin Telefono": (None, "2025-09-09", "no_phone", "no tiene número de teléfono", "has no phone number"),
    "Fija Linea": ("042000000", "2025-09-08", "landline", "un teléfono fijo", "is a landline"),
    "Baja Pedida": ("+593990000010", "2025-09-11", "opt_out", "pidió no recibir avisos", "asked for no notices"),
    "Avisos Apagados": ("+593990000011", "2025-09-11", "notices_off", "apagados para esta suscripción",
                        "switched off for this subscription"),
    "Sin Whatsapp": (DEAD, "2025-09-11", "no_whatsapp", "no tiene WhatsApp", "has no WhatsApp"),
    "Archivada Ayer": ("+593990000012", "2025-09-11", "archived", "está archivado desde", "is archived since"),
    "Inactiva Hoy": ("+593990000013", "2025-09-11", "inactive", "marcado como inactivo", "marked as inactive"),
    "Nada Contratado": ("+593990000014", None, "no_subscription", "no tiene una suscripción activa",
                        "has no active subscription"),
    "Todavia No": ("+593990000015", "2025-09-20", "not_due", "Todavía no toca", "Not due yet"),
    "Termina Asi": ("+593990000016", "2025-09-11", "ends_by_wish", "termina por deseo del cliente",
                    "by the customer's wish"),
    "Llego Bien": ("+593990000017", "2025-09-11", "", "Enviado", "sent"),
    "Sin Certeza": ("+593995550500", "2025-09-11", "server_error", "algo falló de su lado", "went wrong on its side"),
    "Renovada Antes": ("+593990000018", "2025-09-11", "renewed", "Ya se había renovado el 08/09/2025", "had been renewed on"),
    "Cancelada Antes": ("+593990000019", "2025-09-11", "subscription_cancelled", "se había cancelado el 08/09/2025",
                        "had been cancelled on"),
}


@pytest.fixture(scope="module")
def town():
    """One house on the day of its run; each person of the table in the state that its row tells."""
    village = Village()
    house, standin = village.pair({"outbox.slots": "1"}, "--delivered-ms", "-1")
    house.standin = standin
    house.serve(now=NOW)
    api = house.api
    service, house.people, subscriptions = api.service("Netflix"), {}, {}
    for name, (phone, ends_on, *_) in PEOPLE.items():
        given, surnames = name.split()
        client = house.people[name] = api.client(given, phone, surnames=surnames)
        if ends_on:
            more = {"auto_notices": False} if name == "Avisos Apagados" else {}
            subscriptions[name] = api.subscription(client, service, ends_on, **more)
    api.post(f"clients/{house.people['Baja Pedida']['id']}/opt-out")
    api.patch(f"clients/{house.people['Inactiva Hoy']['id']}", is_active=False)
    api.post(f"subscriptions/{subscriptions['Termina Asi']['id']}/cancel", mode="at_end", reason="se muda")
    api.post(f"subscriptions/{subscriptions['Cancelada Antes']['id']}/cancel", mode="now", reason="se fue")
    api.post(f"subscriptions/{subscriptions['Renovada Antes']['id']}/renew", periods=1)
    house.call("renewals", "run", "--wait")
    wait_until(lambda: not api.all("outbox", state="queued") + api.all("outbox", state="sending"), "all of them")
    api.post(f"subscriptions/{subscriptions['Archivada Ayer']['id']}/cancel", mode="now", reason="se fue")
    assert api.call("DELETE", f"clients/{house.people['Archivada Ayer']['id']}").status in (200, 204)
    house.ana = house.panel("ana")
    house.eve = house.panel("eve", lang="en")
    yield house
    village.close()


def why(house, name):
    return house.api.get(f"why/clients/{house.people[name]['id']}")


def rules_of(answer):
    return [r["rule"] for r in answer["rules"]] + [o["rule"] for o in answer["occasions"]]


@pytest.mark.parametrize("name", PEOPLE)
def test_the_rule_that_stopped_it_is_told_in_both_languages(town, name):
    _, _, rule, spanish, english = PEOPLE[name]
    answer = why(town, name)
    assert rule in rules_of(answer) or rule == "", answer
    path = f"/why/clients/{town.people[name]['id']}"
    assert spanish in text_of(town.ana.page(path))
    assert english in text_of(town.eve.page(path))
    for told in answer["rules"] + answer["occasions"]:
        assert told.get("words") or told["state"] in ("sent", "delivered", "read"), told


def test_what_is_to_come_stands_above_what_was(town):
    came = [o for o in why(town, "Llego Bien")["occasions"]]
    assert [o["is_future"] for o in came] == sorted((o["is_future"] for o in came), reverse=True)
    assert [o["state"] for o in came] == ["coming", "coming", "sent", "stopped"]      # 0, 1 and 3 days before; 7 was missed
    assert came[0]["at"] == "2025-09-11T14:00:00.000Z" and "último día" in came[0]["what"]
    assert came[3]["rule"] == "not_yet_here"                                          # entered after that day


def test_a_person_is_found_by_name_number_or_mail_and_by_a_message(town):
    client = town.people["Llego Bien"]
    for words in ("Llego", "llego bien", "0990000017"):
        reply = town.ana.send("GET", "/why?q=" + words.replace(" ", "+"))
        assert (reply.status, reply.headers["location"]) == (303, f"/why/clients/{client['id']}"), words
    several = text_of(town.ana.page("/why?q=a"))
    assert "Archivada Ayer" not in several and "Renovada Antes" in several      # archived ones are not searched
    assert "No se conoce a nadie" in text_of(town.ana.page("/why?q=zzzz"))
    message = town.api.get("outbox?address=%2B593990000017")["data"][0]
    contact = re.search(r'href="(/why/[a-z0-9]+)"', town.ana.page(f"/outbox/{message['id']}")).group(1)
    assert "Llego Bien" in text_of(town.ana.page(contact))
    assert f'href="/why/clients/{client["id"]}"' in town.ana.page(f"/clients/{client['id']}")


def test_the_command_tells_the_same(town):
    told = json.loads(town.run("why", "Sin", "Certeza", "--json", now=LATER))
    assert told == why(town, "Sin Certeza")
    text = town.run("why", "0990000017", now=NOW)
    assert "Llego Bien" in text and "por venir" in text and "Enviado" in text
    assert "coinciden con varios" in town.call("why", "a", now=NOW).stderr.replace("coincide", "coinciden")
    assert "No se conoce a nadie con «zzzz»." in town.call("why", "zzzz", now=NOW).stderr


def test_a_seller_is_told_of_the_own_customers_only(town):
    seller = town.panel("vera", "seller")
    assert seller.send("GET", f"/why/clients/{town.people['Llego Bien']['id']}").status == 404
    contact = why(town, "Llego Bien")["contact"]
    assert seller.send("GET", f"/why/{contact}").status == 404
    assert "No se conoce a nadie" in text_of(seller.page("/why?q=Llego"))


# --- what stops everybody ---

def waits_for(house, name):
    return text_of(house.ana.page(f"/why/clients/{house.people[name]['id']}"))


def test_a_stopped_channel_the_kill_switch_and_a_paused_batch_are_named(town):
    api, client = town.api, town.people["Llego Bien"]
    contact = why(town, "Llego Bien")["contact"]
    api.post("channels/whatsapp/stop", reason="cambio de teléfono")
    api.post(f"inbox/{contact}/reply", text="Hola")
    waiting = why(town, "Llego Bien")
    assert "channel_stopped" in [r["rule"] for r in waiting["rules"]]
    assert [o["rule"] for o in waiting["occasions"] if o["state"] == "queued"] == ["channel_stopped"]
    assert "El canal WhatsApp está detenido." in waits_for(town, "Llego Bien")
    api.post("channels/stop-all", reason="")
    api.post("channels/whatsapp/open")
    assert "halted" in rules_of(why(town, "Llego Bien"))
    assert "Todo está detenido" in waits_for(town, "Llego Bien")
    message = api.all("outbox", state="queued")[0]
    api.post(f"outbox/{message['id']}/cancel")
    api.post("channels/resume-all")
    last = next(o for o in why(town, "Llego Bien")["occasions"] if o["state"] == "cancelled")
    assert last["rule"] == "person" and "Una persona lo canceló" in last["words"]
    assert not rules_of(why(town, "Llego Bien")).count("halted")


def test_every_reason_of_the_program_has_its_sentence_in_both_languages():
    """The codes that a message can end with, as the sources have them: none is shown as a bare code."""
    source = (ROOT / "app/desk/message_words.c").read_text()
    known = set(re.findall(r'\{ "[a-z]*", "([a-z_]+)",\s+N_\("', source)) | set(re.findall(
        r'\{ "([a-z_]+)", N_\("', (ROOT / "app/renewals/why.c").read_text()))
    given = set()
    for path in [*pathlib.Path(ROOT / "app/outbox").rglob("*.c")]:
        text = path.read_text()
        given |= set(re.findall(r'out_why = "([a-z_]+)"', text))
        given |= set(re.findall(r'put\(v, OUTCOME_[A-Z_]+,\s*"([a-z_]+)"', text))
        given |= set(re.findall(r'read_dead\(v, "([a-z_]+)"', text))
    # A provider's own codes have their sentences beside what gives them.
    known |= set(re.findall(r'\{ "([a-z_]+)",\s+N_\("', (ROOT / "app/outbox/channels/doppler_answer.c").read_text()))
    assert len(given) > 12, given
    assert given - known == set()
