"""Single mails, written by hand: kept until somebody sends them, one mail a recipient, never twice."""
import pytest

from house import request, text_of, wait_until


@pytest.fixture(scope="module")
def house():
    from house import Village
    village = Village()
    made = village.house({"sends.channel": "email"}).serve()
    made.ana = made.panel("ana")
    yield made
    village.close()


def received(house, to):
    return [row for row in request(house.address, "GET", "/_standin/received").json if row["to"] == to]


def settled(house, mail, state):
    return wait_until(lambda: (lambda row: row if row["state"] == state else None)(house.api.get(f"emails/{mail}")), state)


def test_a_mail_leaves_when_it_is_sent_once_to_each_and_never_again(house):
    page = house.ana.post("/emails/new", subject="Hola {{nadie}}", to_emails="ana@example.com, eva@example.com; ana@example.com",
                          from_email="", from_name="", channel="email", text="Las {{llaves}} se quedan", html="")
    assert "sale cuando lo envíes" in text_of(page)
    mail = house.api.all("emails", period="all")[0]
    assert mail["state"] == "created" and mail["from_email"] == "recado@example.com" and mail["created_by"] == "ana"
    assert house.messages() == []
    house.ana.post("/emails/actions/send", ids=mail["id"], confirmed="1")
    after = settled(house, mail["id"], "sent")
    assert after["sent_at"] is not None
    assert [len(received(house, to)) for to in ("ana@example.com", "eva@example.com")] == [1, 1]
    assert house.sql("SELECT count(*) FROM message WHERE occasion LIKE 'single_mail_to:%'") == [(2,)]
    # Never again, and it cannot be changed.
    assert house.api.call("POST", f"emails/{mail['id']}/send", {}).status == 409
    assert house.api.call("PATCH", f"emails/{mail['id']}", {"subject": "Otra"}).status == 409
    assert len(received(house, "ana@example.com")) == 1
    page = house.ana.page(f"/emails/{mail['id']}")
    assert "/batches/" in page and f"/emails/{mail['id']}/send" not in page


def test_a_mail_that_cannot_be_one_is_refused_with_its_field(house):
    for values, field in (({"to_emails": "nadie"}, "to_emails"), ({"to_emails": ", ;"}, "to_emails"),
                          ({"text": "", "html": ""}, "text"), ({"from_email": "x@"}, "from_email"),
                          ({"subject": ""}, "subject"),
                          ({"to_emails": ",".join(f"a{i}@example.com" for i in range(51))}, "to_emails")):
        good = {"subject": "Hola", "to_emails": "a@example.com", "text": "x", "channel": "email"}
        reply = house.api.call("POST", "emails", {**good, **values})
        assert reply.status == 400 and field in reply.json["error"]["fields"], (values, reply)
    fits = ",".join(f"a{i}@example.com" for i in range(50))
    assert house.api.call("POST", "emails", {"subject": "Hola", "to_emails": fits, "text": "x"}).status == 201
    page = house.ana.send("POST", "/emails/new", {"csrf": house.ana.csrf(), "subject": "Hola", "to_emails": "nadie",
                                                  "text": "Lo que escribí"})
    assert page.status == 422 and "Lo que escribí" in page.text


def test_a_refused_mail_says_why_and_may_be_sent_once_more(house):
    made = house.api.post("emails", subject="Rechazo", to_emails="code550@example.com", text="x", channel="email")
    house.api.post(f"emails/{made['id']}/send")
    row = settled(house, made["id"], "failed")
    assert "550" in row["failure"]
    house.api.patch(f"emails/{made['id']}", to_emails="bien@example.com")
    house.api.post(f"emails/{made['id']}/send")
    settled(house, made["id"], "sent")
    assert len(received(house, "bien@example.com")) == 1


def test_a_mail_whose_fate_is_not_known_is_not_offered_again(house):
    made = house.api.post("emails", subject="Corte", to_emails="cut-after-data@example.com", text="x", channel="email")
    house.api.post(f"emails/{made['id']}/send")
    settled(house, made["id"], "unsure")
    assert house.api.call("POST", f"emails/{made['id']}/send", {}).status == 409
    assert len(received(house, "cut-after-data@example.com")) == 1


def test_the_list_shows_this_month_and_finds_a_day(house):
    assert "Rechazo" in text_of(house.ana.page("/emails"))
    with_day = house.ana.page("/emails?on=2020-01-01")
    assert "Rechazo" not in text_of(with_day) and house.ana.send("GET", "/emails?on=01/01/2020").status == 200
