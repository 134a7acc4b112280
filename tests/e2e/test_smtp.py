"""Mail: what each word, cut and silence of a mail server does to a message, and what a mail looks like on the wire."""
import concurrent.futures
import email
import email.policy
import re
import time

import pytest

from house import wait_until
from smtp_server import MailHouse, MailServer, certificate, folder_of, outcome, settled

ANA = "ana@example.org"
SECURITIES = ("none", "starttls", "tls")

# Whatever is said to one recipient: (step, what happens, state, why, dead contact, mails that arrived whole)
TO_ONE = [
    ("rcpt", None, "sent", "", "", 1),
    ("rcpt", "550 5.1.1 no such user", "failed", "no_mailbox", "no_mailbox", 0),
    ("rcpt", "550 5.1.10 no such user", "failed", "no_mailbox", "no_mailbox", 0),
    ("rcpt", "551 not here", "failed", "no_mailbox", "no_mailbox", 0),
    ("rcpt", "553 5.1.3 bad address", "failed", "no_mailbox", "no_mailbox", 0),
    ("rcpt", "550 5.7.1 policy", "failed", "policy", "", 0),
    ("rcpt", "554 5.7.1 policy", "failed", "policy", "", 0),
    ("rcpt", "550 unavailable", "failed", "refused", "", 0),
    ("rcpt", "501 5.5.4 syntax", "failed", "syntax", "", 0),
    ("rcpt", "521 5.3.2 no mail here", "failed", "refused", "", 0),
    ("rcpt", "450 4.2.1 busy", "queued", "later", "", 0),
    ("rcpt", "451 4.7.1 greylisted", "queued", "later", "", 0),
    ("rcpt", "452 4.2.2 full", "queued", "later", "", 0),
    ("rcpt", "552 5.2.2 full", "queued", "mailbox_full", "", 0),
    ("rcpt", "cut", "queued", "cut_before", "", 0),
    ("rcpt", "stall", "queued", "cut_before", "", 0),
    ("data", "451 4.3.0 later", "queued", "later", "", 0),
    ("data", "554 5.5.1 no", "failed", "refused", "", 0),
    ("data", "cut", "queued", "cut_before", "", 0),
    ("data", "stall", "queued", "cut_before", "", 0),
    ("body", "cut", "queued", "cut_before", "", 0),
    ("body", "stall", "queued", "cut_before", "", 0),
    ("end", "451 4.3.0 later", "queued", "later", "", 1),
    ("end", "552 5.3.4 too large", "failed", "too_large", "", 1),
    ("end", "554 5.7.1 spam", "failed", "policy", "", 1),
    ("end", "cut", "unsure", "cut", "", 1),
    ("end", "stall", "unsure", "cut", "", 1),
]

# What concerns the whole channel: (step, what happens, securities, message's why, channel, its why, counted tries)
TO_ALL = [
    ("banner", "cut", SECURITIES, "unreachable", "waiting", "unreachable", 1),
    ("banner", "stall", SECURITIES, "unreachable", "waiting", "unreachable", 1),
    ("banner", "421 4.3.2 busy", SECURITIES, "rate", "waiting", "rate", 0),
    ("banner", "554 5.7.1 not you", SECURITIES, "shut_out", "stopped", "shut_out", 0),
    ("ehlo", "cut", SECURITIES, "unreachable", "waiting", "unreachable", 1),
    ("ehlo", "stall", SECURITIES, "unreachable", "waiting", "unreachable", 1),
    ("ehlo", "421 4.7.0 busy", SECURITIES, "rate", "waiting", "rate", 0),
    ("ehlo", "550 5.7.1 who", SECURITIES, "shut_out", "stopped", "shut_out", 0),
    ("starttls", "cut", ("starttls",), "unreachable", "waiting", "unreachable", 1),
    ("starttls", "stall", ("starttls",), "unreachable", "waiting", "unreachable", 1),
    ("starttls", "454 4.7.0 not now", ("starttls",), "rate", "waiting", "rate", 0),
    ("starttls", "502 5.5.1 no", ("starttls",), "insecure", "stopped", "insecure", 0),
    ("tls", "cut", ("starttls", "tls"), "unreachable", "waiting", "unreachable", 1),
    ("tls", "stall", ("starttls", "tls"), "unreachable", "waiting", "unreachable", 1),
    ("tls", "what is TLS?", ("starttls", "tls"), "unreachable", "waiting", "unreachable", 1),
    ("auth", "cut", SECURITIES, "unreachable", "waiting", "unreachable", 1),
    ("auth", "stall", SECURITIES, "unreachable", "waiting", "unreachable", 1),
    ("auth", "454 4.7.0 not now", SECURITIES, "rate", "waiting", "rate", 0),
    ("auth", "535 5.7.8 no", SECURITIES, "unauthorized", "stopped", "unauthorized", 0),
    ("auth", "534 5.7.9 weak", SECURITIES, "unauthorized", "stopped", "unauthorized", 0),
    ("auth", "451 Authentication failed: Maximum credits exceeded", SECURITIES, "payment", "stopped", "payment", 0),
    ("mail", "cut", SECURITIES, "cut_before", "open", "", 1),
    ("mail", "stall", SECURITIES, "cut_before", "open", "", 1),
    ("mail", "451 4.3.0 later", SECURITIES, "later", "open", "", 1),
    ("mail", "530 5.7.0 log in", SECURITIES, "unauthorized", "stopped", "unauthorized", 0),
    ("mail", "550 5.1.8 no such sender", SECURITIES, "sender", "stopped", "sender", 0),
    ("rcpt", "421 4.7.0 slow down", SECURITIES, "rate", "waiting", "rate", 0),
    ("rcpt", "550 5.7.26 unauthenticated", SECURITIES, "domain", "stopped", "domain", 0),
    ("rcpt", "554 5.7.1 <x>: Relay access denied", SECURITIES, "relay", "stopped", "relay", 0),
    ("end", "421 4.3.0 closing", SECURITIES, "rate", "waiting", "rate", 0),
]
COUNTED_LAST = {"end"}      # whose content had been read


@pytest.fixture(scope="module")
def town():
    """One template for all houses of this file, and a certificate that they trust."""
    from house import Village
    village = Village()
    town = MailHouse(village)
    town.pem, town.trusted = certificate(folder_of(village))
    town.servers = []
    yield town
    village.close()
    for server in town.servers:
        server.close()


def serve(town, security="none", **more):
    server = MailServer(security=security, cert=town.pem, **more)
    town.servers.append(server)
    return server


def told(town, security):
    """What the house is told of the server's security."""
    return {"security": security, "ca_file": str(town.trusted), "user": "casa", "password": "secreto-9"}


def together(calls):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return [future.result() for future in [pool.submit(*call) for call in calls]]


def address_of(n):
    return f"n{n}@example.org"


def check_one_recipient(town, security, rows):
    large = "x" * 900_000
    server = serve(town, security, per_to={address_of(n): {row[0]: row[1]} for n, row in enumerate(rows) if row[1]})
    house = town.house(server, [{"address": address_of(n), "text": large if row[0] == "body" else "Hola.\n"}
                                for n, row in enumerate(rows)], timeout_s="2", **told(town, security)).serve()
    wait_until(lambda: not house.sql("SELECT 1 FROM message WHERE state = 'sending' OR"
                                     " (state = 'queued' AND attempts = 0)"), "all outcomes")
    found = []
    for n, row in enumerate(rows):
        state, why, _, channel, _, dead = outcome(house, address_of(n))
        found.append((*row[:2], state, why if state != "sent" else "", dead, len(server.to(address_of(n)))))
        assert channel == "open"
    assert found == [tuple(row) for row in rows], security
    assert all(mail["is_secure"] == (security != "none") for mail in server.mails)
    house.stop()


def check_channel(town, security, row):
    step, what, _, why, channel, channel_why, tries = row
    server = serve(town, security, steps={step: what})
    # Only who waits for nothing waits shortly: on a busy machine an answer may take its time.
    house = town.house(server, [ANA], timeout_s="2" if what == "stall" else "20", **told(town, security)).serve()
    state, found_why, found_tries, found_channel, found_channel_why, _ = settled(house)
    time.sleep(0.1)
    assert (state, found_why, found_tries, found_channel, found_channel_why) == (
        "queued", why, tries, channel, channel_why), (security, step, what, house.log())
    assert len(server.to(ANA)) == (1 if step in COUNTED_LAST else 0)
    assert "secreto-9" not in house.log()
    house.stop()


@pytest.mark.parametrize("security", ["none", "starttls", pytest.param("tls", marks=pytest.mark.long)])
def test_what_is_said_to_one_recipient_concerns_that_one_alone(town, security):
    check_one_recipient(town, security, TO_ONE)


def test_what_concerns_the_account_stops_or_holds_the_channel_and_loses_nothing(town):
    """Each row with one kind of security; the night has them all."""
    together((check_channel, town, row[2][n % len(row[2])], row) for n, row in enumerate(TO_ALL))


@pytest.mark.long
def test_every_step_is_cut_stalled_and_refused_with_and_without_tls(town):
    together((check_channel, town, security, row) for row in TO_ALL for security in row[2])


def test_a_server_that_cannot_be_trusted_gets_nothing_not_even_the_password(town, village):
    strange, _ = certificate(folder_of(village), "strange")
    other_name, other_trusted = certificate(folder_of(village), "other", host="mail.example.net")
    other_name = other_name.read_text()
    cases = [
        (MailServer(security="starttls", cert=strange), "starttls", town.trusted),
        (MailServer(security="tls", cert=strange), "tls", town.trusted),
        (MailServer(security="starttls", cert=town.pem, with_starttls=False), "starttls", town.trusted),
    ]

    def check(server, security, trusted):
        house = town.house(server, [ANA], security=security, ca_file=str(trusted), user="casa",
                           password="secreto-9").serve()
        assert settled(house)[:5] == ("queued", "insecure", 0, "stopped", "insecure")
        assert server.mails == [] and server.logins == []
        assert not any(line.startswith((b"AUTH", b"MAIL")) for line in server.lines)
        house.stop()
        server.close()

    together((check, *case) for case in cases)


def test_without_security_mail_goes_to_this_machine_only(town):
    house = town.house(None, [ANA], host="mail.example.net")
    house.config.write_text(house.config.read_text().replace("offline = yes", "offline = no"))
    house.serve()
    assert settled(house)[3:5] == ("stopped", "no_security")
    house.stop()


def test_a_reply_that_never_came_is_not_asked_for_twice(town):
    """Unsure stays unsure: over a restart, too."""
    server = serve(town, steps={"end": "cut"})
    house = town.house(server, [ANA]).serve()
    assert settled(house)[0] == "unsure"
    house.stop()
    server.steps = {}
    house.serve()
    time.sleep(0.5)
    assert outcome(house)[0] == "unsure"
    assert len(server.mails) == 1
    house.stop()


def test_mails_of_a_row_share_connections_and_arrive_once(town):
    server = serve(town)
    house = town.house(server, [address_of(n) for n in range(60)], **told(town, "none")).serve()
    wait_until(lambda: house.sql("SELECT count(*) FROM message WHERE state = 'sent'")[0][0] == 60, "all sent")
    assert sorted(mail["to"] for mail in server.mails) == sorted(address_of(n) for n in range(60))
    assert server.connections <= 8
    house.stop()


# --- the wire ---

SUBJECT = "Año nuevo: ñandúes, camión y cigüeña 🎉 para todos los clientes de siempre, desde el primero hasta el último 👋"
TEXT = ("Hola, Ana:\n\n" + "palabra " * 200 + "\n.\n..\n.punto al comienzo\nFrom el comienzo\nespacio al final \n\ttab\t\n"
        + "línea con = y ñ " * 10 + "\nsin salto al final")
HTML = "<p>Hola, <b>Ñandú</b></p>\n<p>" + "largo " * 300 + "</p>\n<img src=\"cid:logo.png\">"
PDF = b"%PDF-1.4\r\n" + bytes(range(256)) * 40
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 200


def parse(raw):
    return email.message_from_bytes(raw, policy=email.policy.default)


def undotted(raw):
    """As RFC 5321 §4.5.2 tells the receiver."""
    return b"\r\n".join(line[1:] if line.startswith(b".") else line for line in raw.split(b"\r\n"))


def lines_of(text):
    return text.replace("\r\n", "\n")


def check_complex(raw, host="example.com"):
    mail = parse(undotted(raw))
    assert mail.defects == [] and mail["subject"] == SUBJECT
    assert mail["from"].addresses[0].display_name == "Cine en Casa"
    assert mail["from"].addresses[0].addr_spec == "ventas@example.com"
    assert re.fullmatch(rf"<[a-z0-9]+@{host}>", mail["message-id"])
    assert mail["auto-submitted"] == "auto-generated" and mail["mime-version"] == "1.0"
    assert mail["date"].datetime.tzinfo is not None
    assert mail.get_content_type() == "multipart/mixed"
    alternative, pdf, csv = mail.iter_parts()
    assert alternative.get_content_type() == "multipart/alternative"
    plain, related = alternative.iter_parts()
    assert plain.get_content_type() == "text/plain" and related.get_content_type() == "multipart/related"
    html, png = related.iter_parts()
    assert lines_of(plain.get_content()) == TEXT and lines_of(html.get_content()) == HTML
    assert png["content-id"] == "<logo.png>" and png.get_content() == PNG
    assert pdf.get_filename() == "Año nuevo (1).pdf" and pdf.get_content() == PDF
    assert pdf.get_content_type() == "application/pdf" and pdf.get_content_disposition() == "attachment"
    assert csv.get_filename() == "n" * 20 + "ñ" * 40 + ".csv" and csv.get_content().startswith("a;b")
    # Older readers have the name twice more: as it was before RFC 2231, and without its accents.
    assert b'filename="A_o nuevo (1).pdf"' in raw and b'name="=?UTF-8?B?QcOxbyBudWV2byAoMSkucGRm?="' in raw


MAIL = {"address": "ana@correo.españa.example", "subject": SUBJECT, "text": TEXT, "html": HTML,
        "files": [("Año nuevo (1).pdf", "application/pdf", PDF), ("logo.png", "image/png", PNG),
                  ("n" * 20 + "ñ" * 40 + ".csv", "text/csv", b"a;b\n1;2\n")]}


def test_a_mail_on_the_wire_keeps_every_rule_and_reads_back_as_it_was_written(town):
    server = serve(town)
    house = town.house(server, [MAIL], helo="tienda.example").serve()
    assert settled(house)[0] == "sent"
    [mail] = server.mails
    raw = mail["raw"]
    assert mail["to"] == "ana@correo.xn--espaa-rta.example" and mail["from"] == "ventas@example.com"
    assert server.lines[0] == b"EHLO tienda.example\r\n"
    size = int(re.search(r"SIZE=(\d+)$", mail["line"]).group(1))
    assert size == len(undotted(raw))
    assert raw.count(b"\n") == raw.count(b"\r\n") == raw.count(b"\r")
    assert max(map(len, undotted(raw).split(b"\r\n"))) <= 76 + 12       # a boundary's or an address's line
    assert all(byte < 0x7f for byte in raw)
    assert b"\r\n..\r\n...\r\n..punto al" in raw and b"\r\n=46rom el" in raw
    check_complex(raw)
    boundaries = re.findall(rb'boundary="([^"]+)"', raw)
    assert len(set(boundaries)) == 3
    for boundary in boundaries:
        begun = raw.count(b"\r\n--" + boundary + b"\r\n")
        assert begun >= 2 and raw.count(b"\r\n--" + boundary + b"--\r\n") == 1
        assert raw.count(boundary) == begun + 2       # where it is declared, and nowhere within a part
    [provider] = house.sql("SELECT provider_id FROM message")[0]
    assert provider == "4Test1"
    house.stop()


def test_a_second_try_is_the_same_mail(town):
    server = serve(town, per_to={ANA: {"rcpt": "451 4.7.1 greylisted"}})
    house = town.house(server, [{"address": ANA, "text": "Hola.\n"}]).serve()
    assert settled(house)[:2] == ("queued", "later")
    house.stop()
    server.per_to = {ANA: {"end": "451 4.3.0 later"}}
    for _ in range(2):      # five minutes later, twice
        town.queue(house, [])
        import sqlite3
        line = sqlite3.connect(house.state / "recado.db")
        with line:
            line.execute("UPDATE message SET not_before_at = 0, turn = 1 WHERE state = 'queued'")
        line.close()
        before = len(server.mails)
        house.serve()
        wait_until(lambda: len(server.mails) > before, "the next try")
        wait_until(lambda: outcome(house)[0] == "queued", "its answer")
        house.stop()
    first, second = (parse(mail["raw"]) for mail in server.mails)
    assert first["message-id"] == second["message-id"] and first["date"] == second["date"]


def test_an_address_that_mail_cannot_have_is_refused_with_a_sentence(town):
    server = serve(town)
    house = town.house(server, ["josé@example.org", "nadie", ANA]).serve()
    wait_until(lambda: not house.sql("SELECT 1 FROM message WHERE state IN ('queued', 'sending')"), "all outcomes")
    assert [row[0] for row in house.sql("SELECT state FROM message ORDER BY id")] == ["failed", "failed", "sent"]
    errors = [row[0] for row in house.sql("SELECT error FROM message ORDER BY id")]
    assert "sin acentos" in errors[0] and "dirección de correo" in errors[1]
    assert [mail["to"] for mail in server.mails] == [ANA]
    house.stop()


def test_a_key_is_put_right_and_what_waited_leaves(town):
    server = serve(town, steps={"auth": "535 5.7.8 no"})
    house = town.house(server, [ANA], **told(town, "none")).serve()
    assert settled(house)[3:5] == ("stopped", "unauthorized")
    server.steps = {}
    house.run("config", "set", "smtp.password", "secreto-10")
    house.server.send_signal(1)     # SIGHUP
    wait_until(lambda: outcome(house)[0] == "sent", "the mail")
    import base64
    assert base64.b64decode(server.logins[-1][1]).endswith(b"secreto-10")
    house.stop()


def test_trying_the_mail_server_logs_in_and_sends_nothing(town):
    server = serve(town)
    house = town.house(server, [], **told(town, "none")).serve()
    assert "responde" in house.run("outbox", "test", "email")
    assert server.logins and server.mails == [] and not any(line.startswith(b"MAIL") for line in server.lines)
    server.steps = {"auth": "535 5.7.8 no"}
    wait_until(lambda: "535" in house.call("outbox", "test", "email").stderr, "the refusal")
    house.stop()


# --- offline ---

def test_offline_mail_arrives_at_the_stand_in_and_nowhere_else(town):
    """A host in the settings is not asked while offline."""
    house = town.house(None, [ANA, "code550@example.org", "greylist@example.org", "cut-after-data@example.org"],
                       host="mail.example.net", security="starttls").serve()
    wait_until(lambda: not house.sql("SELECT 1 FROM message WHERE state = 'sending' OR"
                                     " (state = 'queued' AND attempts = 0)"), "all outcomes")
    from house import request
    rows = request(house.address, "GET", "/_standin/received").json
    mails = request(house.address, "GET", f"/_standin/mails?to={ANA}").json
    assert [outcome(house, name)[0] for name in (ANA, "code550@example.org", "greylist@example.org",
                                                 "cut-after-data@example.org")] == ["sent", "failed", "queued", "unsure"]
    assert {row["to"]: row["outcome"] for row in rows if row["provider"] == "smtp"} == {
        ANA: "accepted", "code550@example.org": "refused", "greylist@example.org": "refused",
        "cut-after-data@example.org": "cut"}
    assert len(mails) == 1 and parse(mails[0]["raw"].encode())["subject"] == "Aviso"
    assert mails[0]["message_id"] in [row["body"] for row in rows]
    house.stop()
