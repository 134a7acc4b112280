"""The settings file: wrong lines are named before anything starts, and the person's own comments survive."""
import os
import signal
import stat
import subprocess

import pytest

from house import ROOT, Refused, binary, wait_until

WRONG = [
    ("[web]\nlissten = 127.0.0.1:80\n", 2, ["web.lissten", "¿Quisiste decir «web.listen»?"]),
    ("[outbxo]\nslots = 3\n", 1, ["[outbxo]", "¿Quisiste decir [outbox]?"]),
    ("[outbox]\nslots = muchos\n", 2, ["outbox.slots", "un número entero de 1 a 64", "«muchos»"]),
    ("[outbox]\nslots = 65\n", 2, ["outbox.slots", "un número entero de 1 a 64", "«65»"]),
    ("[outbox]\nslots = 0\n", 2, ["outbox.slots", "un número entero de 1 a 64", "«0»"]),
    ("[outbox]\nslots = 3\nslots = 4\n", 3, ["outbox.slots", "en la línea"]),
    ("[mode]\noffline = quizás\n", 2, ["mode.offline", "yes o no", "«quizás»"]),
    ("[business]\nlanguage = pt\n", 2, ["business.language", "es, en", "«pt»"]),
    ("[business]\nzone = America/Guayaquilo\n", 2, ["business.zone", "¿quisiste decir America/Guayaquil?"]),
    ("[outbox]\nwindow_from = 24:00\n", 2, ["outbox.window_from", "00:00 a 23:59", "«24:00»"]),
    ("[renewals]\nstages = 7,3,61\n", 2, ["renewals.stages", "de 0 a 60", "«7,3,61»"]),
    ("[whatsapp]\nbase_url = wasenderapi.com\n", 2, ["whatsapp.base_url", "https://example.com"]),
    ("[whatsapp]\napi_key = file:/no/such/key\n", 2, ["whatsapp.api_key", "/no/such/key"]),
    ("[business]\nname\n", 2, ["nombre = valor"]),
    ("[business]\nname = " + "x" * 81 + "\n", 2, ["business.name", "80 caracteres"]),
]


@pytest.fixture
def house(village):
    return village.house()


@pytest.mark.parametrize("lines,line,said", WRONG, ids=[w[0].split("\n")[1][:24] for w in WRONG])
def test_a_wrong_line_stops_the_start_and_is_named(house, lines, line, said):
    good = house.folder / "good.ini"
    house.config.rename(good)
    house.config.write_text(lines)
    with pytest.raises(Refused) as refused:
        house.serve()
    assert refused.value.code == 2 and refused.value.out == ""
    sentence, = [row for row in refused.value.err.splitlines() if row]
    assert sentence.startswith(f"{house.config}, línea {line}: ")
    for piece in said:
        assert piece in sentence
    assert house.config.read_text() == lines
    good.rename(house.config)
    assert house.serve().is_alive()


def test_the_longest_name_of_a_business_fits(house):
    house.set("business.name", "ñ" * 80)
    assert house.run("config", "get", "business.name") == "ñ" * 80 + "\n"
    done = house.call("config", "set", "business.name", "ñ" * 81)
    assert done.returncode == 2 and "80 caracteres" in done.stderr


def test_every_wrong_line_is_told_at_once_and_in_english_too(house):
    house.config.write_text("[mode]\noffline = perhaps\n[outbox]\nslotz = 3\n")
    done = house.call("check", lang="en")
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"{house.config}, line 2: “mode.offline” should be yes or no, not “perhaps”.",
        f"{house.config}, line 4: there is no setting “outbox.slotz”. Did you mean “outbox.slots”?"]


def test_a_file_that_is_not_text_is_refused_by_its_line(house):
    house.config.write_bytes(b"[business]\nname = Cine\xe9\n")
    done = house.call("config", "list")
    assert done.returncode == 2 and f"{house.config}, línea 2: " in done.stderr and "UTF-8" in done.stderr


def test_a_secret_is_neither_shown_nor_repeated_when_it_is_wrong(house):
    house.set("whatsapp.api_key", "la-llave-de-la-caja")
    for words in (["config", "list"], ["config", "get", "whatsapp.api_key"]):
        for json_out in (False, True):
            done = house.call(*words, json_out=json_out)
            assert done.returncode == 0 and "********" in done.stdout
            assert "la-llave-de-la-caja" not in done.stdout + done.stderr
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
    assert house.run("config", "get", "outbox.slots") == "9\n"


@pytest.mark.parametrize("words", [["get", "outbox.slotz"], ["set", "outbox.slotz", "3"]])
def test_a_mistyped_name_is_answered_with_the_right_one(house, words):
    before = house.config.read_bytes()
    done = house.call("config", *words)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "No existe el ajuste «outbox.slotz». ¿Quisiste decir «outbox.slots»?\n"
    assert house.config.read_bytes() == before


def test_a_wrong_value_changes_nothing(house):
    before = house.config.read_bytes()
    done = house.call("config", "set", "outbox.slots", "65")
    assert done.returncode == 2 and "un número entero de 1 a 64, no «65»" in done.stderr
    assert house.config.read_bytes() == before
    house.set("outbox.slots", "64")
    house.set("outbox.slots", "1")


def test_setting_a_value_keeps_comments_order_and_mode(house):
    mine = ("# Mi archivo, no lo toques\r\n\r\n[outbox]\r\n; ocho bastan\r\nslots = 8\r\n\r\n"
            "[business]\r\nname = Cine  ; no es comentario\r\n")
    house.config.write_bytes(mine.encode())
    os.chmod(house.config, 0o640)
    house.set("outbox.slots", "12")
    house.set("business.phone", "098 000 0000")
    assert house.config.read_bytes().decode() == mine.replace("slots = 8", "slots = 12") + "phone = 098 000 0000\r\n"
    assert stat.S_IMODE(house.config.stat().st_mode) == 0o640
    assert house.run("config", "get", "business.name") == "Cine  ; no es comentario\n"
    assert [p.name for p in house.state.glob("recado.ini*")] == ["recado.ini"]


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
    said = subprocess.run([binary(), "config", "sample", "--lang", "es"], capture_output=True, check=True).stdout
    assert (ROOT / "etc/recado.ini").read_bytes() == said
    english = subprocess.run([binary(), "config", "sample", "--lang", "en"], capture_output=True, check=True).stdout
    assert english != said and english.count(b"\n;") == said.count(b"\n;")


def test_a_running_server_reads_a_change_when_told_and_keeps_the_old_one_when_it_is_wrong(house):
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
