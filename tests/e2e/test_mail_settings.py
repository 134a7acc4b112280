"""The old programs' mail settings, taken over: two families of names, one vocabulary here."""
import pytest


def take(house, text, code=0, **more):
    path = house.folder / "old.env"
    path.write_text(text)
    return house.run("config", "import", path, json_out=True, code=code, stdin=more.pop("stdin", ""), **more)["lines"]


def by_variable(lines):
    return {line["variable"]: line for line in lines}


def shown(house, name):
    return {row["name"]: row["value"] for row in house.run("config", "list", json_out=True)}[name]


@pytest.mark.parametrize("family", ["EMAIL_HOST={0}\nEMAIL_PORT={1}\nEMAIL_HOST_USER={2}\nEMAIL_HOST_PASSWORD={3}\n"
                                    "EMAIL_USE_TLS=True\nDEFAULT_FROM_EMAIL={4}\n",
                                    "SMTP_HOST={0}\nSMTP_PORT={1}\nSMTP_USER={2}\nSMTP_PASSWORD={3}\n"
                                    "SMTP_USE_TLS=true\nSMTP_FROM={4}\n"])
def test_either_family_of_names_is_taken_over(village, family):
    house = village.house()
    values = "smtp.example.com", "2525", "casa", "secreto", "Casa <casa@example.com>"
    lines = take(house, family.format(*values))
    assert {line["fate"] for line in lines} <= {"taken", "same"}
    assert [shown(house, "smtp." + name) for name in ("host", "port", "user", "from", "security")] == [
        "smtp.example.com", "2525", "casa", "Casa <casa@example.com>", "starttls"]
    assert "secreto" not in str(lines) and "secreto" in house.config.read_text()


def test_both_families_that_agree_are_one(village):
    house = village.house()
    lines = by_variable(take(house, "EMAIL_HOST=smtp.example.com\nSMTP_HOST=smtp.example.com\n"))
    assert lines["SMTP_HOST"]["fate"] == "taken" and lines["EMAIL_HOST"]["fate"] == "gone"
    assert shown(house, "smtp.host") == "smtp.example.com"


def test_families_that_contradict_are_refused_and_both_are_named(village):
    house = village.house()
    before = house.config.read_text()
    lines = by_variable(take(house, "EMAIL_HOST=a.example.com\nSMTP_HOST=b.example.com\n", code=3))
    assert lines["EMAIL_HOST"]["fate"] == lines["SMTP_HOST"]["fate"] == "wrong"
    assert "SMTP_HOST" in lines["EMAIL_HOST"]["why"] and "EMAIL_HOST" in lines["SMTP_HOST"]["why"]
    assert house.config.read_text() == before
    lines = by_variable(take(house, "EMAIL_USE_TLS=True\nEMAIL_USE_SSL=True\n", code=3))
    assert {line["fate"] for line in lines.values()} == {"wrong"}


@pytest.mark.parametrize("text, security", [("EMAIL_USE_SSL=True\nEMAIL_USE_TLS=False\n", "tls"),
                                            ("SMTP_USE_TLS=1\n", "starttls"), ("SMTP_USE_SSL=yes\n", "tls"),
                                            ("EMAIL_USE_TLS=False\n", "starttls")])
def test_the_switches_of_old_become_one_word(village, text, security):
    house = village.house()
    take(house, text)
    assert shown(house, "smtp.security") == security


def test_a_sender_that_is_none_is_refused_when_it_is_set(village):
    house = village.house()
    for wrong in ("casa", "Casa <casa>", "josé@example.com", "a@b, c@d"):
        done = house.call("config", "set", "smtp.from", wrong)
        assert done.returncode != 0 and "smtp.from" in done.stderr
    for wrong in ("https://smtp.example.com", "smtp.example.com:587", "a b"):
        assert house.call("config", "set", "smtp.host", wrong).returncode != 0
    assert house.call("config", "set", "smtp.ca_file", "/nowhere/ca.pem").returncode != 0
