"""`recado config`: where a value comes from, what is never shown, and that the person's own file stays theirs."""
import os
import signal
import stat
import subprocess

import pytest

from house import ROOT, binary, wait_until


@pytest.fixture
def house(village):
    return village.house()


def test_every_wrong_line_is_told_at_once(house):
    house.config.write_text("[mode]\noffline = perhaps\n[outbox]\nslotz = 3\n")
    wrong = [f"{house.config}, line 2: “mode.offline” should be yes or no, not “perhaps”.",
             f"{house.config}, line 4: there is no setting “outbox.slotz”. Did you mean “outbox.slots”?"]
    done = house.call("backup", lang="en")
    assert done.returncode == 2 and done.stderr.splitlines() == wrong
    done = house.call("check", lang="en")
    assert done.returncode == 1 and all(line in done.stdout for line in wrong)


def test_the_longest_name_of_a_business_fits_and_one_more_letter_does_not(house):
    house.set("business.name", "ñ" * 80)
    assert house.run("config", "get", "business.name") == "ñ" * 80 + "\n"
    done = house.call("config", "set", "business.name", "ñ" * 81)
    assert done.returncode == 2 and "80 caracteres" in done.stderr


def test_the_edges_of_a_number_are_allowed(house):
    for value in ("1", "64"):
        house.set("outbox.slots", value)
        assert house.run("config", "get", "outbox.slots") == value + "\n"


def test_a_secret_is_not_repeated_when_it_is_wrong(house):
    done = house.call("config", "set", "whatsapp.api_key", "llave" * 201)
    assert done.returncode == 2 and "llavellave" not in done.stdout + done.stderr


def test_a_secret_may_live_in_a_file_or_in_the_environment(house):
    secret = house.folder / "llave"
    secret.write_text("clave-en-archivo\n")
    house.set("whatsapp.api_key", f"file:{secret}")
    rows = {row["name"]: row for row in house.run("config", "list", json_out=True)}
    assert rows["whatsapp.api_key"]["value"] == f"file:{secret}"       # where it is, not what it is
    assert "clave-en-archivo" not in str(rows)
    house.config.write_text(house.config.read_text().replace(f"file:{secret}", "env:LA_LLAVE"))
    done = house.call("config", "get", "whatsapp.api_key", env={"LA_LLAVE": "x"}, json_out=True)
    assert done.returncode == 0 and '"origin": "env"' in done.stdout
    done = house.call("config", "get", "whatsapp.api_key")
    assert done.returncode == 2 and "LA_LLAVE" in done.stderr


def test_the_command_line_knows_where_a_value_comes_from(house):
    house.set("outbox.slots", "9")
    rows = {row["name"]: row for row in house.run("config", "list", json_out=True)}
    line = house.config.read_text().splitlines().index("slots = 9") + 1
    assert (rows["outbox.slots"]["value"], rows["outbox.slots"]["origin"]) == ("9", f"file:{line}")
    assert rows["outbox.retry_max"]["origin"] == "default"
    assert f"outbox.slots = 9  (file:{line})\n" in house.run("config", "list")


@pytest.mark.parametrize("words", [["get", "outbox.slotz"], ["set", "outbox.slotz", "3"]])
def test_a_mistyped_name_is_answered_with_the_right_one(house, words):
    done = house.call("config", *words)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "No existe el ajuste «outbox.slotz». ¿Quisiste decir «outbox.slots»?\n"


def test_setting_a_value_keeps_comments_order_line_ends_and_mode(house):
    mine = ("# Mi archivo, no lo toques\r\n\r\n[outbox]\r\n; ocho bastan\r\nslots = 8\r\n\r\n"
            "[business]\r\nname = Cine  ; no es comentario\r\n")
    house.config.write_bytes(mine.encode())
    os.chmod(house.config, 0o640)
    house.set("outbox.slots", "12")
    house.set("business.phone", "098 000 0000")
    assert house.config.read_bytes().decode() == mine.replace("slots = 8", "slots = 12") + "phone = 098 000 0000\r\n"
    assert stat.S_IMODE(house.config.stat().st_mode) == 0o640
    assert house.run("config", "get", "business.name") == "Cine  ; no es comentario\n"
    assert [path.name for path in house.state.glob("recado.ini*")] == ["recado.ini"]


def test_a_new_file_explains_itself_and_sets_nothing(house, village):
    fresh = village.folder / "fresh"
    house.run("init", str(fresh), config=False)
    rows = house.run("config", "list", "--config", str(fresh / "recado.ini"), config=False, json_out=True)
    assert {row["origin"] for row in rows} == {"default"}
    text = (fresh / "recado.ini").read_text()
    for row in rows:
        section, key = row["name"].split(".", 1)
        assert f"[{section}]" in text and f";{key} =" in text and row["help"] in text


def test_the_shipped_sample_is_what_the_program_says_of_itself():
    said, english = (subprocess.run([binary(), "config", "sample", "--lang", lang], capture_output=True,
                                    check=True).stdout for lang in ("es", "en"))
    assert (ROOT / "etc/recado.ini").read_bytes() == said
    assert english != said and english.count(b"\n;") == said.count(b"\n;")


def test_a_wrong_change_leaves_a_running_server_as_it_was(house):
    house.serve()
    ana, good = house.panel(), house.config.read_text()
    house.config.write_text(good.replace("Cine en Casa", "Cine Nuevo") + "\n[web]\nlissten = 1\n")
    house.server.send_signal(signal.SIGHUP)
    wait_until(lambda: "settings.refused" in house.log(), "the refusal in the log")
    assert "web.lissten" in house.log()
    assert "Cine en Casa" in ana.page("/settings") and "Cine Nuevo" not in ana.page("/settings")
    house.config.write_text(good.replace("Cine en Casa", "Cine Nuevo"))
    house.server.send_signal(signal.SIGHUP)
    wait_until(lambda: "settings.reloaded" in house.log(), "the reload in the log")
    assert "Cine Nuevo" in ana.page("/settings")


def test_a_mistyped_file_is_called_missing(village):
    house = village.house()
    for command in (["serve"], ["check"], ["backup"]):
        done = house.call(*command, "--config", str(house.folder / "nowhere" / "recado.ini"), config=False, lang="en")
        assert done.returncode == 2, done.stderr
        assert done.stderr.splitlines()[-1].startswith(f"There is no settings file {house.folder}/nowhere/recado.ini.")


def test_several_values_are_written_together_or_not_at_all(house):
    house.run("config", "set", "outbox.slots", "9", "business.phone", "0988")
    before = house.config.read_text()
    assert "slots = 9" in before and "phone = 0988" in before
    done = house.call("config", "set", "outbox.slots", "10", "outbox.retry_max", "0", "mode.offline", "perhaps")
    assert done.returncode == 2 and "outbox.retry_max" in done.stderr and "mode.offline" in done.stderr
    assert house.config.read_text() == before
    assert house.call("config", "set", "outbox.slots").returncode == 2
    assert house.run("config", "reset", "outbox.slots", "business.phone", json_out=True)[0]["origin"] == "default"


def test_the_running_server_has_a_change_at_once_and_the_history_knows_it(house):
    house.serve()
    said = house.run("config", "set", "business.name", "Cine Nuevo", lang="en")
    assert said == "Written: business.name. The running server has it already.\n"
    ana = house.panel()
    assert "Cine Nuevo" in ana.page("/settings")
    history = ana.page("/settings/history?name=business.name")
    assert "línea de comandos" in history and "Cine Nuevo" in history


def test_without_a_server_the_change_is_in_the_history_all_the_same(house):
    house.set("business.name", "De noche")
    assert house.sql("SELECT actor, json_extract(after_json, '$.\"business.name\"') FROM audit WHERE table_name = 'setting'"
                     " ORDER BY id DESC LIMIT 1") == [("command", "De noche")]


def test_without_a_database_a_setting_is_written_all_the_same(house, village):
    alone = village.folder / "alone"
    alone.mkdir()
    (alone / "recado.ini").write_text("[outbox]\nslots = 8\n")
    house.run("config", "set", "outbox.slots", "9", "--config", str(alone / "recado.ini"), config=False)
    assert (alone / "recado.ini").read_text() == "[outbox]\nslots = 9\n"
    assert [path.name for path in alone.iterdir()] == ["recado.ini"]


OLD = """# the old shop
SECRET_KEY='django-insecure-x'
DEBUG=False
ALLOWED_HOSTS=panel.example.com,www.example.com
TIME_ZONE="America/Bogota"
LANGUAGE_CODE=es-co
export BUSINESS_NAME="Cine \\"El Faro\\""   # with quotes
WASENDER_API_KEY=very-secret-key
WASENDER_API_URL=https://wasenderapi.com
NOTIFICATION_TIME_HOUR=7
EXPIRATION_DAYS_NOTICE=[0, 1, 5]
ENABLE_WHATSAPP_NOTIFICATIONS=True
SEND_PAUSE_SECONDS=fast
CURRENCY=COP
SEND_WINDOW=9–18
BUSINESS_PHONE=1
BUSINESS_PHONE=0988000001
MY_OWN=1
what is this
"""


def test_an_old_installation_is_taken_over_and_what_falls_away_is_listed(house):
    env = house.folder / "old.env"
    env.write_text(OLD)
    before = house.config.read_text()
    dry = house.run("config", "import", env, "--dry-run", code=3, json_out=True)
    assert dry["is_dry_run"] and house.config.read_text() == before
    said = house.call("config", "import", env)
    assert said.returncode == 3 and "very-secret-key" not in said.stdout + said.stderr
    assert "línea 13: SEND_PAUSE_SECONDS → whatsapp.pause_s: debe ser un número entero" in said.stdout
    assert "línea 19: no es NOMBRE=VALOR" in said.stdout and "MY_OWN" in said.stdout
    fate = {row["variable"]: row["fate"] for row in dry["lines"]}
    assert {k for k, v in fate.items() if v == "gone"} == {"SECRET_KEY", "DEBUG", "MY_OWN"}
    assert fate["BUSINESS_PHONE"] == "taken" and fate["SEND_PAUSE_SECONDS"] == "wrong"
    rows = {row["name"]: row["value"] for row in house.run("config", "list", json_out=True)}
    assert (rows["business.name"], rows["business.zone"], rows["business.language"], rows["business.currency"]) == (
        'Cine "El Faro"', "America/Bogota", "es", "COP")
    assert (rows["renewals.time"], rows["renewals.stages"], rows["business.phone"]) == ("07:00", "0, 1, 5", "0988000001")
    assert (rows["outbox.window_from"], rows["outbox.window_to"]) == ("09:00", "18:00")
    assert rows["web.hosts"] == "panel.example.com,www.example.com" and rows["whatsapp.pause_s"] == "0"
    assert "api_key = very-secret-key" in house.config.read_text()
    assert house.run("config", "import", env, code=3, json_out=True)["lines"][3]["fate"] == "same"


def test_a_file_that_is_no_env_is_refused(house):
    big = house.folder / "big.env"
    big.write_bytes(b"A=" + b"x" * (256 * 1024))
    done = house.call("config", "import", big)
    assert done.returncode == 2 and "256 kB" in done.stderr
    assert house.call("config", "import", house.folder / "none.env").returncode == 2
    assert house.call("config", "import").returncode == 2
