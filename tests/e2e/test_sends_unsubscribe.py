"""Leaving the mailings: one click from the mail program, a page for people, and nothing by merely looking."""
import json
import re
import urllib.parse

import pytest

import mailing
from house import Village, request, text_of, wait_until

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ONE_CLICK = "List-Unsubscribe=One-Click"
NAMES = ["ana", "luis", "eva", "rosa", "leo"]


@pytest.fixture(scope="module")
def shop():
    """A house whose mailing left, and each person's link."""
    village = Village()
    standin = village.standin()
    house = village.house({**mailing.ANY_HOUR, "sendgrid.base_url": standin.address, "sendgrid.api_key": "SG.key",
                           "web.public_url": "https://tienda.example/", "sends.pace_ms": "0"}, standin)
    house.serve()
    house.stop()
    mailing.queue(house, "sendgrid", [f"{name}@example.com" for name in NAMES],
                  text="Hola {{nombre}}", html="<p>Hola</p>")
    house.serve()
    wait_until(lambda: all(row[0] == "sent" for row in mailing.states(house).values()), "the mails to leave")
    links = {}
    for row in standin.received():
        url = json.loads(row["body"])["headers"]["List-Unsubscribe"].strip("<>")
        assert url.startswith("https://tienda.example/u/")
        links[row["to"].split("@")[0]] = urllib.parse.urlsplit(url).path
    yield house, links
    village.close()


def outs(house, name):
    return house.sql("SELECT o.topic, o.origin FROM opt_out o JOIN contact c ON c.id = o.contact_id WHERE c.address = ?",
                     f"{name}@example.com")


def test_a_mail_program_leaves_with_one_click_and_twice_is_once(shop):
    house, links = shop
    for _ in range(2):
        reply = request(house.address, "POST", links["ana"], ONE_CLICK, FORM)
        assert reply.status == 200 and reply.cookies == [] and "location" not in reply.headers
    assert outs(house, "ana") == [("campaign", "unsubscribe")]
    assert mailing.suppressed(house)["ana@example.com"] == "unsubscribed"
    assert house.sql("SELECT count(*) FROM audit WHERE action = 'opt_out' AND table_name = 'contact'"
                     " AND row_id = (SELECT id FROM contact WHERE address = 'ana@example.com')") == [(1,)]


def test_a_form_with_parts_is_a_click_too(shop):
    house, links = shop
    body = '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
    reply = request(house.address, "POST", links["luis"], body, {"Content-Type": "multipart/form-data; boundary=x"})
    assert reply.status == 200
    assert outs(house, "luis") == [("campaign", "unsubscribe")]


def test_looking_at_the_link_changes_nothing_and_shows_no_address(shop):
    house, links = shop
    for method in ("GET", "HEAD", "GET"):
        reply = request(house.address, method, links["eva"])
        assert reply.status == 200
    assert "eva@example.com" not in reply.text and "e***@example.com" in reply.text
    assert request(house.address, "POST", links["eva"], "x=1", FORM).status == 200
    assert outs(house, "eva") == []


def test_the_page_speaks_the_readers_language_in_the_business_name(shop):
    house, links = shop
    spanish = request(house.address, "GET", links["eva"], headers={"Accept-Language": "fr, es-EC;q=0.9, en;q=0.8"})
    english = request(house.address, "GET", links["eva"], headers={"Accept-Language": "en-US,en;q=0.9"})
    assert 'lang="es"' in spanish.text and "¿No recibir más correos?" in text_of(spanish.text)
    assert 'lang="en"' in english.text and "Get no more mailings?" in text_of(english.text)
    for page in (spanish.text, english.text):
        assert "Cine en Casa" in page and "<script" not in page and 'href="/"' not in page


def test_a_mistake_is_taken_back_on_the_same_page(shop):
    house, links = shop
    gone = request(house.address, "POST", links["rosa"], ONE_CLICK, {**FORM, "Accept-Language": "es"})
    assert "Ya no estás en la lista" in text_of(gone.text) and 'name="back"' in gone.text
    assert "Ya no estás en la lista" in text_of(request(house.address, "GET", links["rosa"]).text)
    back = request(house.address, "POST", links["rosa"], "back=1", FORM)
    assert back.status == 200 and outs(house, "rosa") == []
    assert "rosa@example.com" not in mailing.suppressed(house)


def test_who_was_put_on_the_list_by_somebody_here_cannot_take_himself_off(shop):
    house, links = shop
    house.api.post("suppressions", address="leo@example.com")
    page = request(house.address, "GET", links["leo"])
    assert 'name="back"' not in page.text
    request(house.address, "POST", links["leo"], "back=1", FORM)
    assert outs(house, "leo") == [("campaign", "panel")]


def test_a_wrong_link_says_so_and_touches_nobody(shop):
    house, links = shop
    token = links["eva"].split("/")[-1]
    other = links["rosa"].split("/")[-1]
    for wrong in (token[:-1], token[:-1] + ("a" if token[-1] != "a" else "b"), token[:26] + other[26:], "x", token + "a"):
        reply = request(house.address, "POST", "/u/" + wrong, ONE_CLICK, FORM)
        assert reply.status == 404 and "Este enlace no es válido" in text_of(reply.text)
    assert outs(house, "eva") == []


def test_who_left_gets_nothing_more_even_if_it_was_queued(shop):
    house, _ = shop
    house.stop()
    mailing.queue(house, "sendgrid", ["ana@example.com", "eva@example.com"])
    house.serve()
    wait_until(lambda: mailing.states(house)["eva@example.com"][0] == "sent", "the other's mail")
    wait_until(lambda: mailing.states(house)["ana@example.com"][0] != "queued", "hers to be left out")
    assert mailing.states(house)["ana@example.com"][:2] == ("skipped", "opt_out")
    assert not re.search("ana@example.com|eva@example.com", house.log())
