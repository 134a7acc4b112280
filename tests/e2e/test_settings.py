"""A wrong settings file: the start is refused, and one sentence says where and what was meant (design §10)."""
import pytest

from house import Refused, SECRET, request, wait_until

# what is written, the line it stands on, what the sentence must name
WRONG = {
    "an unknown key": ("[web]\nlistne = 127.0.0.1:0\n", 2, ["web.listne", "web.listen"]),
    "an unknown section": ("\n[bussiness]\nname = x\n", 2, ["[bussiness]", "[business]"]),
    "a word for a number": ("[whatsapp]\n# pause\npause_s = cinco\n", 3, ["whatsapp.pause_s", "3600", "cinco"]),
    "below the least": ("[outbox]\nslots = 0\n", 2, ["outbox.slots", "de 1 a 64", "«0»"]),
    "above the most": ("[outbox]\nslots = 65\n", 2, ["outbox.slots", "de 1 a 64", "«65»"]),
    "a number too long": ("[outbox]\nslots = 99999999999999999999\n", 2, ["outbox.slots", "de 1 a 64"]),
    "neither yes nor no": ("[mode]\noffline = quizás\n", 2, ["mode.offline", "yes", "quizás"]),
    "no such zone": ("[business]\nzone = America/Guayaquill\n", 2, ["business.zone", "America/Guayaquil?"]),
    "no such choice": ("[business]\ncurrency = XYZ\n", 2, ["business.currency", "USD", "XYZ"]),
    "no such hour": ("[outbox]\nwindow_from = 25:00\n", 2, ["outbox.window_from", "23:59", "25:00"]),
    "not an address": ("[whatsapp]\nbase_url = gopher://x\n", 2, ["whatsapp.base_url", "https://", "gopher://x"]),
    "not a list": ("[renewals]\nstages = 7;3\n", 2, ["renewals.stages", "7;3"]),
    "a stage too far": ("[renewals]\nstages = 7,61\n", 2, ["renewals.stages", "60"]),
    "a key before any section": ("name = x\n", 1, ["sección"]),
    "a section not closed": ("[business\nname = x\n", 1, []),
    "a key without a value": ("[business]\nname\n", 2, []),
    "the same key twice": ("[outbox]\nslots = 8\nslots = 9\n", 3, ["outbox.slots"]),
    "not text": (b"[business]\nname = \xff\xfe\n", 2, []),
}


@pytest.fixture
def house(village):
    return village.house()


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_file_refuses_the_start_and_says_where(house, what):
    text, line, words = WRONG[what]
    house.config.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(Refused) as refused:
        house.serve()
    said = refused.value.err.strip()
    assert refused.value.code == 2 and refused.value.out == ""
    assert len(said.split("\n")) == 1 and f"{house.config}, línea {line}: " in said, said
    assert [w for w in words if w not in said] == [], said
    done = house.call("config", "list")                 # every command says the same
    assert done.returncode == 2 and done.stderr.strip() == said


def test_the_same_in_english(house):
    house.config.write_text("[outbox]\nslots = 0\n")
    done = house.call("config", "list", lang="en")
    assert done.returncode == 2 and "line 2" in done.stderr and "from 1 to 64" in done.stderr


@pytest.mark.parametrize("name, value", [("outbox.slots", "65"), ("outbox.slotz", "8"), ("mode.offline", "quizás")])
def test_a_wrong_value_is_not_written(house, name, value):
    before = house.config.read_text()
    done = house.call("config", "set", name, value)
    assert done.returncode == 2 and len(done.stderr.strip().split("\n")) == 1
    assert house.config.read_text() == before


def test_writing_a_setting_keeps_the_comments_and_the_mode(house):
    text = house.config.read_text()
    comments = [line for line in text.split("\n") if line.startswith(("#", ";"))]
    assert comments
    mode = house.config.stat().st_mode
    house.set("business.name", "Otro nombre")
    after = house.config.read_text()
    assert [c for c in comments if c not in after] == [] and "Otro nombre" in after
    assert house.config.stat().st_mode == mode
    assert house.run("config", "get", "business.name").strip() == "Otro nombre"


def test_a_secret_is_never_shown(house):
    for command in (["config", "list"], ["config", "get", "whatsapp.webhook_secret"]):
        assert SECRET not in house.run(*command) and SECRET not in str(house.run(*command, json_out=True))
    house.serve()
    assert SECRET not in house.panel().page("/settings")


def test_a_running_server_reads_the_settings_again_and_refuses_wrong_ones(house):
    import signal
    house.serve()
    house.set("business.name", "Nombre nuevo")
    house.server.send_signal(signal.SIGHUP)
    wait_until(lambda: "settings.reloaded" in house.log(), "the new settings")
    assert "Nombre nuevo" in house.panel().page("/settings")
    house.config.write_text("[outbox]\nslots = 0\n")
    house.server.send_signal(signal.SIGHUP)
    wait_until(lambda: "settings.refused" in house.log(), "the refusal")
    assert house.is_alive() and request(house.address, "GET", "/health/live").status == 200


def test_the_sample_file_has_every_setting_and_is_itself_good(house):
    sample = house.run("config", "sample", config=False)
    house.config.write_text(sample)
    names = {row["name"] for row in house.run("config", "list", json_out=True)}
    for name in names:
        assert name.split(".")[1] in sample, name
