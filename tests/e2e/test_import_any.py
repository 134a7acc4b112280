"""Files of any table: looked at, taken in whole, and nothing changed by what came out of here (CSV and XLSX)."""
import csv
import http.client
import io
import re
import signal
import uuid
import zipfile

import openpyxl
import pytest

from house import PATIENCE, request, text_of, wait_until

MORNING = "2025-09-08T10:00:00-05:00"


@pytest.fixture
def shop(village):
    house = village.house()
    house.serve(now=MORNING)
    return house


@pytest.fixture
def full(shop):
    """A shop with something in every table that can be imported."""
    category = shop.api.post("service-categories", name="Películas", description="=1+1", position=3)
    netflix = shop.api.service("Netflix", 1299, category_id=category["id"])
    hbo = shop.api.service("HBO Max", 999)
    ana = shop.api.client("Ana María", "098 300 0001", surnames="Peña, Núñez", email="ana@example.com",
                          notes='dice "hola"\ny adiós', born_on="1990-02-28")
    shop.api.client("Zoë", "098 300 0001", surnames="-", is_active=False)      # two with one number
    shop.api.client("Sin número", notes="'ya")
    one = shop.api.subscription(ana, netflix, "2025-10-08", starts_on="2025-09-08")
    shop.api.subscription(ana, hbo, "2025-12-31", payment_status="paid", payment_method="transfer",
                          payment_reference="+593 22")
    shop.api.post("payments", subscription_id=one["id"], amount_cents=1299, method="cash", state="pending")
    return shop


def sheet(rows):
    """A workbook of one sheet."""
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def multipart(data, name="datos.csv", **fields):
    mark = uuid.uuid4().hex
    body = b"".join(f'--{mark}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode()
                    for k, v in fields.items())
    body += (f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
             "Content-Type: application/octet-stream\r\n\r\n").encode() + data + f"\r\n--{mark}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={mark}"}


def send(house, resource, data, name="datos.csv", status=202, **fields):
    if isinstance(data, str):
        data = data.encode()
    body, headers = multipart(data, name, **fields)
    reply = request(house.address, "POST", f"/api/v1/{resource}/import", body,
                    {"Authorization": "Bearer " + house.api.token, **headers})
    assert reply.status == status, reply
    return reply.json


def settled(house, import_id):
    """The import once no job works on it."""
    def look():
        now = house.api.get("imports/" + import_id)
        return now if now["state"] not in ("reading", "committing", "undoing") else None
    return wait_until(look, "the import")


def judged(house, resource, data, name="datos.csv"):
    return settled(house, send(house, resource, data, name)["id"])


def counts(look):
    return {k: look["rows_" + k] for k in ("new", "update", "same", "skipped", "wrong") if look["rows_" + k]}


def confirm(house, look, status=202, **choice):
    reply = house.api.call("POST", f"imports/{look['id']}/confirm", choice)
    assert reply.status == status, reply
    return settled(house, look["id"]) if status == 202 else reply.json


def taken(house, resource, data, name="datos.csv", **choice):
    look = judged(house, resource, data, name)
    assert look["state"] == "preview", look
    done = confirm(house, look, **choice)
    assert done["state"] == "done", done
    return done


def download(house, path, panel=None):
    reply = (panel.send("GET", path) if panel else
             request(house.address, "GET", path, None, {"Authorization": "Bearer " + house.api.token}))
    assert reply.status == 200, reply
    return reply.body


def everything(house):
    tables = [t for t, in house.sql("SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ('client', 'service',"
                                    " 'service_category', 'subscription', 'payment', 'subscription_period')")]
    return {t: house.sql(f"SELECT * FROM {t} ORDER BY id") for t in sorted(tables)}


RESOURCES = ("clients", "services", "service-categories", "subscriptions", "payments")


@pytest.mark.parametrize("lang", ["es", "en"])
def test_what_was_exported_changes_nothing_when_it_comes_back(full, lang):
    panel = full.panel("lola", lang=lang)
    for resource in RESOURCES:
        for kind in ("csv", "csv?separator=semicolon", "xlsx"):
            data = download(full, f"/{resource}.{kind}", panel)
            before, audit = everything(full), full.sql("SELECT count(*) FROM audit")[0][0]
            look = judged(full, resource, data)
            assert look["state"] == "preview" and look["rows_total"] > 0, (resource, kind, look)
            assert counts(look) == {"same": look["rows_total"]}, (resource, kind, look)
            confirm(full, look, on_duplicate="update")
            assert everything(full) == before, (resource, kind)
            assert full.sql("SELECT count(*) FROM audit")[0][0] == audit + 1      # the import itself


def test_new_rows_known_rows_and_history(full):
    text = ("Nombres,Teléfono,E-mail,Activo\n"
            "Bea,098 300 0002,bea@example.com,sí\n"
            "Ana,098 300 0003,,no\n")
    done = taken(full, "clients", text)
    assert [m["count"] for m in done["made"]] == [2, 0]
    bea = next(c for c in full.api.all("clients") if c["given_names"] == "Bea")
    assert (bea["phone"], bea["email"], bea["is_active"]) == ("+593983000002", "bea@example.com", True)
    entry, = full.api.get(f"clients/{bea['id']}/history")["data"]
    assert entry["action"] == "import" and entry["changes"][0]["after"] == done["id"]
    look = judged(full, "clients", text.replace("bea@example.com", "nueva@example.com"))
    assert counts(look) == {"update": 1, "same": 1}
    confirm(full, look)
    assert full.api.get("clients/" + bea["id"])["email"] == "bea@example.com"     # skip is the default
    done = taken(full, "clients", text.replace("bea@example.com", "nueva@example.com"), on_duplicate="update")
    assert full.api.get("clients/" + bea["id"])["email"] == "nueva@example.com"
    change = full.api.get(f"clients/{bea['id']}/history")["data"][0]
    assert {c["name"]: c["after"] for c in change["changes"]}["import"] == done["id"]


def test_an_empty_cell_clears_only_when_asked_and_never_what_must_be_there(full):
    taken(full, "clients", "Nombres,Apellidos,Teléfono,E-mail,Activo\nZoila,Paz,0983000021,zoila@example.com,no\n")
    zoila = next(c for c in full.api.all("clients") if c["given_names"] == "Zoila")
    text = "Nombres,Apellidos,Teléfono,E-mail,Activo\n,,0983000021,,\n"
    assert counts(judged(full, "clients", text)) == {"same": 1}                  # left as they are
    look = settled(full, send(full, "clients", text, empty_cells="clear")["id"])
    assert counts(look) == {"update": 1} and look["empty_cells"] == "clear"
    page = text_of(full.panel("eva").page(look["href"]))                         # rehearsed, and said
    assert "(se vacía)" in page and "lo obligatorio se queda" in page
    confirm(full, look, on_duplicate="update")
    now = full.api.get("clients/" + zoila["id"])
    assert (now["given_names"], now["is_active"], now["phone"]) == ("Zoila", False, zoila["phone"])
    assert not now["surnames"] and not now["email"]
    cleared = {c["name"] for c in full.api.get(f"clients/{zoila['id']}/history")["data"][0]["changes"]}
    assert {"surnames", "email"} <= cleared and not cleared & {"given_names", "is_active", "phone"}
    wrong = send(full, "clients", text, status=400, empty_cells="perhaps")
    assert list(wrong["error"]["fields"]) == ["empty_cells"]
    both = "nombres,telefono,servicio,fecha_vencimiento\nZoila,0983000021,Netflix,31/12/2025\n"
    assert "nunca" in send(full, "clients", both, status=400, empty_cells="clear")["error"]["fields"]["empty_cells"]
    path = full.folder / "vacio.csv"
    path.write_text(f"id,Activo,Nombres\n{zoila['id']},sí,\n")
    assert "Filas cambiadas: 1." in full.run("import", "clients", path, "--commit", "--on-duplicate", "update",
                                             "--empty", "clear")
    assert full.api.get("clients/" + zoila["id"])["given_names"] == "Zoila"


def test_every_wrong_cell_is_named_and_the_file_of_them_can_be_mended_and_sent_again(full):
    text = ("nombres;telefono;email;fecha_nacimiento;activo\n"
            "Bea;12345;bea;31/02/2000;quizás\n"
            "Carla;098 300 0005;;;\n"
            ";098 300 0006;;;\n")
    look = judged(full, "clients", text)
    assert counts(look) == {"new": 1, "wrong": 2}
    first, second = (r["reason"] for r in look["rows"])
    for words in ("Teléfono: ", "Correo: «bea»", "Fecha de nacimiento: «31/02/2000»", "Activo: ", "«quizás»"):
        assert words in first, first
    assert second.startswith("Nombres: ")
    refused = confirm(full, look, status=400)
    assert "good_only" in refused["error"]["fields"]
    assert full.api.get("imports/" + look["id"])["state"] == "preview"
    wrong = list(csv.reader(io.StringIO(download(full, f"/imports/{look['id']}/errors").decode("utf-8-sig")),
                            delimiter=";"))
    assert [row[:2] for row in wrong] == [["nombres", "telefono"], ["Bea", "12345"], ["", "098 300 0006"]]
    assert wrong[1][-1] == first
    wrong[1][1:5] = ["098 300 0009", "bea@example.com", "28/02/2000", "sí"]
    wrong[2][0] = "Dora"
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows(wrong)
    assert counts(judged(full, "clients", out.getvalue())) == {"new": 2}
    done = confirm(full, look, good_only=True)
    assert done["state"] == "done" and [m["count"] for m in done["made"]] == [1, 0]


def test_a_workbook_is_answered_with_a_workbook(full):
    data = sheet([["Nombres", "Teléfono"], ["Bea", 983000002], [None, "098 300 0003"]])
    look = judged(full, "clients", data, "clientes.xlsx")
    assert counts(look) == {"new": 1, "wrong": 1}
    book = openpyxl.load_workbook(io.BytesIO(download(full, f"/imports/{look['id']}/errors")))
    rows = list(book.active.iter_rows(values_only=True))
    assert rows[0][:2] == ("Nombres", "Teléfono") and rows[1][1] == "098 300 0003" and "Nombres" in rows[1][2]


def test_references_are_found_by_name_or_id_and_only_whole(full):
    netflix = next(s for s in full.api.all("services") if s["display_name"] == "Netflix")
    head = "Cliente,Servicio,Fin\n"
    look = judged(full, "subscriptions", head + f"Ana María Peña,{netflix['id']},31/01/2026\nAna,Netflix,2026-02-28\n"
                                                "\"Peña, Núñez, Ana María\",Netfl,2026-02-28\n")
    assert look["rows_wrong"] >= 1 and any("Netfl" in r["reason"] for r in look["rows"]), look
    ana = next(c for c in full.api.all("clients") if c["given_names"] == "Ana María")
    done = taken(full, "subscriptions", head + f"{ana['id']},netflix,31/01/2026\n")
    assert done["made"][0]["count"] == 1
    row = next(r for r in full.api.all("subscriptions") if r["ends_on"] == "2026-01-31")
    assert row["price_cents"] == 1299


@pytest.mark.parametrize("text, words", [
    ("", "vacío"), ("Nombres,Teléfono\n", "ninguna fila"), ("apellidos\nVera\n", "Nombres"),
    ("Nombres,Teléfono,celular\nAna,1,2\n", "dos veces"), ("uno,dos\n1,2\n", "uno, dos"),
    ("Nombres:Teléfono\nAna:1\n", "separa"), ('Nombres\n"Ana\n', "Fila 2")])
def test_a_file_that_is_wrong_as_a_whole_is_refused_in_one_sentence(full, text, words):
    look = judged(full, "clients", text)
    assert look["state"] == "failed" and words in look["error"] and "\n" not in look["error"], look


@pytest.mark.parametrize("encode", [
    lambda t: t.encode("cp1252"), lambda t: t.replace(",", ";").encode("cp1252"), lambda t: t.replace(",", "\t").encode(),
    lambda t: b"\xef\xbb\xbf" + t.replace("\n", "\r\n").encode(),
    lambda t: sheet(r.split(",") for r in t.strip().split("\n"))],
    ids=["windows-1252", "excel", "tabs", "bom", "workbook"])
def test_files_as_programs_write_them_are_read(full, encode):
    taken(full, "clients", encode("Nombres,Apellidos,Teléfono\nJosé,Muñoz,098 300 0099\n"))
    assert any(c["surnames"] == "Muñoz" and c["phone"] == "+593983000099" for c in full.api.all("clients"))


def test_a_row_with_too_many_cells_is_wrong_and_says_why(full):
    look = judged(full, "clients", "Nombres,Notas\nAna,dice que sí, pero no\nBea,,\n")
    assert counts(look) == {"new": 1, "wrong": 1} and "comillas" in look["rows"][0]["reason"]


def test_unknown_columns_are_told_and_computed_ones_are_left_alone(full):
    panel = full.panel()
    look = judged(full, "clients", "Nombres,Color,Pagado en total\nBea,azul,999\n")
    page = text_of(panel.page(f"/imports/{look['id']}"))
    assert "Color" in page and "Pagado en total" in page and counts(look) == {"new": 1}


def test_the_same_twice_in_a_file_is_taken_once_and_told_with_the_row(full):
    look = judged(full, "clients", "Nombres,Teléfono\nBea,0983000002\nCarla,+593 98 300 0002\n")
    assert counts(look) == {"new": 1, "skipped": 1} and "2" in look["rows"][0]["reason"]


def test_two_that_share_a_number_are_told_apart_by_id_alone(full):
    look = judged(full, "clients", "Nombres,Teléfono\nAna,0983000001\n")
    assert counts(look) == {"wrong": 1} and "id" in look["rows"][0]["reason"]


def test_what_changed_between_yes_and_now_undoes_everything_and_says_so(full):
    rows = "".join(f"C{n},098 4{n:06}\n" for n in range(300))
    look = judged(full, "clients", "Nombres,Teléfono\n" + rows)
    full.api.client("Antes", "098 4000250")
    now = confirm(full, look)
    assert now["state"] == "preview" and "252" in now["error"], now
    assert counts(now) == {"new": 299, "update": 1}
    assert not [c for c in full.api.all("clients") if c["given_names"].startswith("C1")]
    assert full.sql("SELECT count(*) FROM client WHERE generation <> 0") == [(0,)]
    assert full.sql("SELECT count(*) FROM pending_generation") == [(0,)]
    done = confirm(full, now)
    assert done["state"] == "done" and done["made"][0]["count"] == 299 and done["error"] == ""


def test_what_hung_on_hidden_rows_goes_with_them(full):
    hbo = next(s for s in full.api.all("services") if s["display_name"] == "HBO Max")
    for n in range(60):
        full.api.client(f"C{n}", f"098 5{n:06}")
    rows = "".join(f"C{n},{'HBO Max' if n == 59 else 'Netflix'},2026-01-31\n" for n in range(60))
    look = judged(full, "subscriptions", "Cliente,Servicio,Fin\n" + rows)
    assert counts(look) == {"new": 60}, look
    before = everything(full)
    full.api.patch("services/" + hbo["id"], is_active=False)
    before["service"] = everything(full)["service"]
    now = confirm(full, look)
    assert now["state"] == "preview" and "61" in now["error"] and counts(now) == {"new": 59, "wrong": 1}
    assert everything(full) == before


def test_tables_without_hidden_rows_take_five_hundred_at_once_and_no_more(full):
    lines = [f"Servicio {n},{n}.50\n" for n in range(1, 502)]
    head = "Nombre,Precio base\n"
    look = judged(full, "services", head + "".join(lines))
    assert look["state"] == "failed" and "501" in look["error"]
    done = taken(full, "services", head + "".join(lines[:500]))
    assert done["made"][0]["count"] == 500 and full.sql("SELECT count(*) FROM service")[0][0] == 502
    assert full.sql("SELECT count(*) FROM audit WHERE action = 'import' AND table_name = 'service'") == [(500,)]


def test_more_changes_than_one_transaction_takes_all_arrive(full):
    rows = [f"C{n},098 4{n:06}" for n in range(2500)]
    taken(full, "clients", "Nombres,Teléfono\n" + "\n".join(rows))
    look = judged(full, "clients", "Nombres,Teléfono,Notas\n" + "\n".join(r + ",nueva" for r in rows))
    assert counts(look) == {"update": 2500}
    done = confirm(full, look, on_duplicate="update")
    assert done["state"] == "done" and done["made"][1]["count"] == 2500
    # The job's last word comes a moment after the import's own.
    wait_until(lambda: (lambda now: now["progress_done"] == now["progress_total"])(full.api.get(f"imports/{look['id']}")),
               "the whole bar")
    assert full.sql("SELECT count(*) FROM client WHERE notes = 'nueva'") == [(2500,)]


def test_a_thousand_wrong_rows_are_all_in_the_error_file(full):
    look = judged(full, "clients", "Nombres,Teléfono\n" + "".join(f"C{n},{n % 10}\n" for n in range(1000)))
    assert counts(look) == {"wrong": 1000} and len(look["rows"]) == 200
    text = download(full, f"/imports/{look['id']}/errors").decode("utf-8-sig")
    assert len(list(csv.reader(io.StringIO(text)))) == 1001


def test_one_row_too_many_is_refused(full):
    look = judged(full, "clients", "Nombres\n" + "A\n" * 250001)
    assert look["state"] == "failed" and "250002" in look["error"]


def repacked(workbook, change):
    """The same workbook with another sheet."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as was, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as now:
        for item in was.namelist():
            data = was.read(item)
            now.writestr(item, change(data) if item.endswith("sheet1.xml") else data)
    return out.getvalue()


def bomb():
    """Small on the disk, half a gigabyte when unpacked."""
    return repacked(sheet([["Nombres"], ["Ana"]]),
                    lambda xml: xml.replace(b"</sheetData>", b" " * (512 << 20) + b"</sheetData>"))


def test_hostile_workbooks_are_refused_with_a_sentence_and_the_house_lives(full):
    pid, before = full.server.pid, everything(full)
    peak = lambda: int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{pid}/status").read()).group(1))
    start = peak()
    for name, data in {"a bomb": bomb(), "not a zip": b"PK\x03\x04" + b"x" * 1000,
                       "encrypted": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 2000}.items():
        look = judged(full, "clients", data, "x.xlsx")
        assert look["state"] == "failed" and look["error"], (name, look)
        assert "\n" not in look["error"]
    assert everything(full) == before and full.is_alive()
    assert peak() - start < 128 * 1024, "memory grew with what the file claims"


def test_formulas_are_read_as_the_values_they_had_and_a_million_empty_rows_are_nothing(full):
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["Nombres", "Notas"])
    book.active.append(["Ana", "=1+1"])
    book.active.cell(row=1048576, column=1).number_format = "0.00"
    book.save(out)
    look = judged(full, "clients", out.getvalue(), "x.xlsx")
    assert look["state"] == "failed" and "Fila 2" in look["error"]      # nobody ever computed it
    saved = repacked(out.getvalue(), lambda xml: re.sub(rb"<v ?/>|<v></v>", b"<v>2</v>", xml))
    taken(full, "clients", saved, "x.xlsx")
    assert next(c for c in full.api.all("clients") if c["given_names"] == "Ana")["notes"] == "2"


def test_a_seller_brings_in_and_changes_own_customers_only(full):
    seller = full.panel("beto", "seller")
    csrf = seller.csrf()

    def send_as_seller(text):
        body, headers = multipart(text.encode(), csrf=csrf)
        reply = seller.send("POST", "/clients/import", body=body, headers=headers)
        assert reply.status == 303, reply
        path = reply.headers["location"]
        return path, settled(full, path.rsplit("/", 1)[1])

    path, look = send_as_seller("Nombres,Teléfono\nDe Beto,098 300 0001\n")
    assert counts(look) == {"new": 1}       # another's customer with this number is none of his business
    seller.post(path + "/commit", on_duplicate="skip")
    assert settled(full, look["id"])["state"] == "done"
    assert "De Beto" in seller.page("/clients") and "Ana María" not in seller.page("/clients")
    ana = next(c for c in full.api.all("clients") if c["given_names"] == "Ana María")
    _, look = send_as_seller(f"id,Nombres\n{ana['id']},Robada\n")
    assert counts(look) == {"wrong": 1}
    other = full.panel("caro", "seller")
    assert other.send("GET", path).status == 404 and look["id"] not in other.page("/imports")
    assert full.panel("rita", "reader").send("GET", "/clients/import").status == 403


def test_the_page_shows_the_way_from_the_list_to_the_end(full):
    panel = full.panel()
    assert 'href="/clients/import"' in panel.page("/clients")
    page = panel.page("/clients/import")
    assert "Teléfono" in page and "telefono" in page and "/clients/import/sample.xlsx" in page
    sample = download(full, "/clients/import/sample.xlsx", panel)
    titles = [c.value for c in next(openpyxl.load_workbook(io.BytesIO(sample)).active.iter_rows())]
    assert "Nombres" in titles and "id" not in titles
    body, headers = multipart("Nombres,Teléfono\nBea,0983000002\nX,1\n".encode(), csrf=panel.csrf())
    path = panel.send("POST", "/clients/import", body=body, headers=headers).headers["location"]
    settled(full, path.rsplit("/", 1)[1])
    page = panel.page(path)
    assert "Tomar" in page or "tomar las buenas" in page
    assert "+593" in page      # as it will be
    panel.post(path + "/commit", on_duplicate="skip", good_only="1")
    settled(full, path.rsplit("/", 1)[1])
    page = text_of(panel.page(path))
    assert "Incorporada" in page and "Ver la lista" in page
    assert panel.send("GET", path + "/progress").json["is_over"] is True
    assert path in panel.page("/imports")


def test_a_dropped_import_writes_nothing_and_a_decision_is_taken_once(full):
    look = judged(full, "clients", "Nombres\nBea\n")
    assert full.api.call("POST", f"imports/{look['id']}/drop", {}).status == 200
    assert full.api.call("POST", f"imports/{look['id']}/confirm", {}).status == 409
    assert full.api.get("imports/" + look["id"])["state"] == "dropped"
    assert not [c for c in full.api.all("clients") if c["given_names"] == "Bea"]


def stopped_half_way(house, rows):
    """An import whose work somebody cancelled while it was taken in."""
    look = judged(house, "clients", "Nombres,Teléfono\n" + "".join(f"C{n},098 4{n:06}\n" for n in range(rows)))
    confirmed = house.api.call("POST", f"imports/{look['id']}/confirm", {}).json
    house.hold_when("SELECT 1 FROM client WHERE generation <> 0 LIMIT 1")
    # The call lies before its door when it goes on: it cannot be at the end before it reads it.
    line = http.client.HTTPConnection(house.address.split("//")[1], timeout=PATIENCE)
    line.request("POST", f"/api/v1/jobs/{confirmed['job']}/cancel", "{}",
                 {"Authorization": "Bearer " + house.api.token, "Content-Type": "application/json"})
    house.server.send_signal(signal.SIGCONT)
    assert line.getresponse().status == 200
    line.close()
    now = wait_until(lambda: next((i for i in [house.api.get("imports/" + look["id"])]
                                   if i["job_state"] not in ("queued", "running")), None), "the end of the work")
    assert (now["state"], now["job_state"]) == ("committing", "cancelled"), now
    return now


def test_an_import_that_stands_still_can_be_gone_on_with_or_dropped(shop):
    panel = shop.panel()
    now = stopped_half_way(shop, 30000)
    page = panel.page(f"/imports/{now['id']}")
    assert f"/imports/{now['id']}/again" in page and f"/imports/{now['id']}/drop" in page
    assert shop.api.get("clients?count=1")["count"] == 0
    panel.post(f"/imports/{now['id']}/drop")
    assert settled(shop, now["id"])["state"] == "dropped"
    assert shop.sql("SELECT count(*) FROM client") == shop.sql("SELECT count(*) FROM pending_generation") == [(0,)]
    now = stopped_half_way(shop, 30000)
    panel.post(f"/imports/{now['id']}/again")
    done = settled(shop, now["id"])
    assert done["state"] == "done" and done["progress_done"] == done["progress_total"]
    assert shop.sql("SELECT count(*), count(DISTINCT phone) FROM client") == [(30000, 30000)]


def test_the_raw_file_is_a_body_too(full):
    reply = request(full.address, "POST", "/api/v1/clients/import?name=raw.csv", b"Nombres\nBea\n",
                    {"Authorization": "Bearer " + full.api.token, "Content-Type": "text/csv"})
    assert reply.status == 202, reply
    look = settled(full, reply.json["id"])
    assert look["file_name"] == "raw.csv" and counts(look) == {"new": 1}


def test_the_command_does_the_same(full):
    path = full.folder / "servicios.csv"
    path.write_text("Nombre,Precio base\nParamount,5.99\nnetflix,1\nMalo,x\n")
    out = full.run("import", "services", path, code=2)
    assert out.startswith("Filas: 3. Nuevas: 1.") and "Fila 4: " in out and "No se escribió nada" in out
    assert full.run("import", "services", path, "--commit", code=2).count("No se escribió nada") == 1
    out = full.run("import", "services", path, "--commit", "--good-only", "--on-duplicate", "update", code=3)
    assert "Filas nuevas: 1. Filas cambiadas: 1." in out
    assert {s["display_name"]: s["price_cents"] for s in full.api.all("services")} == {
        "netflix": 100, "HBO Max": 999, "Paramount": 599}
    done = full.call("import", "users", path)
    assert done.returncode == 2 and "clients" in done.stderr


def test_a_file_with_services_sent_to_customers_makes_both(full):
    look = judged(full, "clients", "nombres,telefono,servicio,fecha_vencimiento,estado_pago\n"
                                   "Bea,0983000002,Netflix,31/12/2025,pagado\nBea,0983000002,HBO Max,31/12/2025,\n")
    assert counts(look) == {"new": 1, "update": 1}
    done = confirm(full, look)
    assert [m["count"] for m in done["made"]] == [1, 2, 0]
    bea = next(c for c in full.api.all("clients") if c["given_names"] == "Bea")
    assert bea["active_subscriptions"] == 2 and bea["total_paid_cents"] == 1299
