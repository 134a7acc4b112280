"""Customers from a file: looked at first, taken in as a whole, and told in one sentence what is wrong (spec §14)."""
import random
import re

import pytest

HEAD = "nombres,apellidos,telefono,email,servicio,fecha_inicio,fecha_vencimiento,precio,metodo_pago,estado_pago,notas\n"
MORNING = "2025-09-08T10:00:00-05:00"
NAMES = ["José", "María", "Ángel", "Lucía", "Iñaki", "Zoë", "Ana Belén", "Raúl", "Güicho", "Sofía"]
SURNAMES = ["Muñoz", "Peña", "Quiñónez", "Ibáñez", "Núñez", "Cárdenas", "Vélez", "Zambrano", "Ordóñez", "Yánez"]
SERVICES = ["Netflix", "HBO Max", "disney+", "PARAMOUNT+"]


def phones(n):
    """The ways people write the number of one Ecuadorian mobile."""
    digits = f"98{3000000 + n}"
    return ["0" + digits, "+593" + digits, "593" + digits, digits, f"0{digits[:2]} {digits[2:5]} {digits[5:]}",
            f"+593-{digits[:2]}-{digits[2:5]}-{digits[5:]}"][n % 6]


def big_file(rows):
    """A business with `rows` customers, the same for everybody who asks; a seventh of them end today or soon."""
    dice = random.Random(7)
    lines = [HEAD.strip()]
    for n in range(rows):
        day = 8 + dice.choice([0, 1, 3, 7] + [2, 4, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22] * 2)
        ends = f"{day:02}/09/2025" if n % 2 else f"2025-09-{day:02}"
        note = '"dice: ""llámame"", luego paga"' if n % 97 == 0 else ""
        lines.append(",".join([dice.choice(NAMES), f"{dice.choice(SURNAMES)} {n:05}", phones(n), f"c{n}@example.com",
                               SERVICES[n % 4], "09/08/2025", ends, dice.choice(["12.99", "9.99", ""]),
                               dice.choice(["efectivo", "transferencia", "tarjeta", ""]),
                               dice.choice(["pagado", "pendiente", ""]), note]))
    return "\n".join(lines) + "\n"


def due(text):
    """How many of the file end 0, 1, 3 and 7 days after 8 September."""
    ends = re.findall(r",09/08/2025,(?:2025-09-(\d\d)|(\d\d)/09/2025),", text)
    days = [int(a or b) - 8 for a, b in ends]
    return {stage: days.count(stage) for stage in (0, 1, 3, 7)}


@pytest.fixture
def shop(village):
    house, standin = village.pair({}, "--delivered-ms", "-1", "--read-ms", "-1")
    house.serve(now=MORNING)
    for name, price in (("Netflix", 1299), ("HBO Max", 999), ("Disney+", 799), ("Paramount+", 599)):
        house.api.service(name, price)
    return house, standin


def rows_of(house):
    return house.api.get("clients?count=1")["count"], house.api.get("subscriptions?count=1")["count"]


def test_ten_thousand_customers_are_looked_at_taken_in_and_told(shop):
    house, standin = shop
    text = big_file(10000)
    out = house.import_csv(text)
    assert out == ("Filas: 10000. Clientes nuevos: 10000. Ya existentes: 0. Duplicados: 0. Con error: 0.\n"
                   "No se escribió nada; usa --commit para incorporarlo.\n")
    assert rows_of(house) == (0, 0)
    out = house.import_csv(text, "--commit")
    assert "10000 clientes, 10000 suscripciones" in out
    assert rows_of(house) == (10000, 10000)
    report = house.run_today()
    assert {r["days"]: r["sent"] for r in report["results"]} == due(text)
    arrived = [row["to"] for row in standin.received()]
    assert len(arrived) == len(set(arrived)) == sum(due(text).values()) > 100
    again = house.import_csv(text, "--commit")
    assert "Duplicados: 10000" in again and rows_of(house) == (10000, 10000)


def test_what_a_customer_of_the_file_became(shop):
    house, _ = shop
    house.import_csv(HEAD + 'María José,"Peña, de Muñoz",098 300-0001,MJ@Example.com,netflix,09/08/2025,08/09/2025,'
                            '"10,50",transferencia,pagado,"dice ""hola"""\n', "--commit")
    client, = house.api.all("clients")
    assert (client["given_names"], client["surnames"], client["phone"], client["email"], client["notes"]) == (
        "María José", "Peña, de Muñoz", "+593983000001", "mj@example.com", 'dice "hola"')
    row, = house.api.all("subscriptions")
    assert (row["starts_on"], row["ends_on"], row["price_cents"], row["payment_method"], row["payment_status"]) == (
        "2025-08-09", "2025-09-08", 1050, "transfer", "paid")


def test_without_a_price_the_services_own_counts_and_without_a_service_only_the_customer_comes(shop):
    house, _ = shop
    house.import_csv(HEAD + "Ana,,0983000001,,HBO MAX,,20/09/2025,,,,\nBea,,0983000002,,,,,,,,\n", "--commit")
    row, = house.api.all("subscriptions")
    assert row["price_cents"] == 999 and len(house.api.all("clients")) == 2


def test_a_known_number_is_skipped_or_updated_as_chosen(shop):
    house, _ = shop
    house.api.client("Ana", "+593983000001", email="vieja@example.com")
    text = HEAD + "Anita,Vera,0983000001,nueva@example.com,,,,,,,\n"
    house.import_csv(text, "--commit")
    assert [c["email"] for c in house.api.all("clients")] == ["vieja@example.com"]
    house.import_csv(text, "--commit", "--on-duplicate", "update")
    client, = house.api.all("clients")
    assert (client["given_names"], client["surnames"], client["email"]) == ("Anita", "Vera", "nueva@example.com")


@pytest.mark.parametrize("encode", [
    lambda t: t.replace(",", ";").encode(), lambda t: t.replace(",", "\t").encode(), lambda t: t.encode("cp1252"),
    lambda t: b"\xef\xbb\xbf" + t.encode(),
    lambda t: t.replace("\n", "\r\n").encode(), lambda t: t.replace(",", ";").encode("cp1252"),
    lambda t: t.rstrip("\n").encode(), lambda t: t.replace("nombres", "Nombre").replace("telefono", "TELÉFONO").encode()],
    ids=["semicolons", "tabs", "windows-1252", "bom", "crlf", "excel", "no last line end", "other heading"])
def test_files_as_programs_write_them_are_read(shop, encode):
    house, _ = shop
    house.import_csv(encode(HEAD + "José,Muñoz,0983000001,,Netflix,,20/09/2025,12.99,,,año\n"), "--commit")
    client, = house.api.all("clients")
    assert (client["given_names"], client["surnames"], client["notes"]) == ("José", "Muñoz", "año")


def one(cells):
    return HEAD + "Ana,Vera,0983000001,,Netflix,,20/09/2025,,,,\n" + cells + "\n"


WRONG_ROWS = {
    "a bad phone": (one("Bea,,12345,,,,,,,,"), 3, "telefono"),
    "an empty phone": (one("Bea,,,,,,,,,,"), 3, "telefono"),
    "no name": (one(",Vera,0983000002,,,,,,,,"), 3, "nombres"),
    "31/02": (one("Bea,,0983000002,,Netflix,,31/02/2026,,,,"), 3, "31/02/2026"),
    "an end without a day": (one("Bea,,0983000002,,Netflix,,,,,,"), 3, "fecha_vencimiento"),
    "an end before the start": (one("Bea,,0983000002,,Netflix,10/09/2025,09/09/2025,,,,"), 3, "fecha_vencimiento"),
    "an unknown service": (one("Bea,,0983000002,,Hulu,,20/09/2025,,,,"), 3, "Hulu"),
    "a price in words": (one("Bea,,0983000002,,Netflix,,20/09/2025,mucho,,,"), 3, "precio"),
    "an unknown way to pay": (one("Bea,,0983000002,,Netflix,,20/09/2025,,trueque,,"), 3, "metodo_pago"),
    "a bad e-mail": (one("Bea,,0983000002,bea.example.com,,,,,,,"), 3, "bea.example.com"),
}


@pytest.mark.parametrize("what", WRONG_ROWS)
def test_a_wrong_row_is_named_by_its_number_and_the_rest_is_good(shop, what):
    house, _ = shop
    text, number, words = WRONG_ROWS[what]
    out = house.import_csv(text, code=2)
    wrong = [line for line in out.split("\n") if line.startswith("Fila ")]
    assert len(wrong) == 1 and wrong[0].startswith(f"Fila {number}: ") and words in wrong[0], out
    assert rows_of(house) == (0, 0)
    house.import_csv(text, "--commit", code=3)
    assert rows_of(house) == (1, 1)


def test_the_same_line_twice_is_taken_once(shop):
    house, _ = shop
    out = house.import_csv(one("Ana,Vera,+593983000001,,Netflix,,20/09/2025,,,,"), "--commit")
    assert "Duplicados: 1" in out and rows_of(house) == (1, 1)


WHOLE_FILES = {
    "empty": (b"", "vacío"),
    "only a heading": (HEAD.encode(), "ninguna fila"),
    "colons": (HEAD.replace(",", ":").encode() + b"Ana::0983000001::::::::\n", "separa las columnas"),
    "no phone column": (b"nombres,apellidos\nAna,Vera\n", "Fila 1: falta la columna «telefono»"),
    "no name column": (b"telefono,apellidos\n0983000001,Vera\n", "Fila 1: falta la columna «nombres»"),
    "a column twice": (b"nombres,telefono,telefono\nAna,0983000001,0983000002\n", "Fila 1"),
    "an open quote": (HEAD.encode() + b'"Ana,,0983000001,,,,,,,,\n', "Fila 2"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, ""),
}


def sentence(done):
    """One sentence on stderr and nothing else."""
    said = done.stderr.strip()
    assert said and "\n" not in said and done.stdout == "", (done.stdout, done.stderr)
    return said


@pytest.mark.parametrize("what", WHOLE_FILES)
def test_a_wrong_file_is_refused_in_one_sentence(shop, what):
    house, _ = shop
    data, words = WHOLE_FILES[what]
    path = house.folder / "clientes.csv"
    path.write_bytes(data)
    done = house.call("renewals", "import", path, "--commit")
    assert done.returncode == 2 and words in sentence(done), done.stderr
    assert rows_of(house) == (0, 0)


def test_one_row_too_many_is_refused_and_the_last_allowed_one_is_not(shop):
    house, _ = shop
    path = house.folder / "clientes.csv"
    lines = [f"A,+5939{n:08}\n" for n in range(250001)]
    path.write_text("nombres,telefono\n" + "".join(lines))
    done = house.call("renewals", "import", path, "--commit")
    assert done.returncode == 2
    assert "Fila 250002" in sentence(done) and "250000" in done.stderr.replace(".", "").replace(",", "")
    assert rows_of(house) == (0, 0)
    path.write_text("nombres,telefono\n" + "".join(lines[1:]))
    assert "Filas: 250000. Clientes nuevos: 250000." in house.run("renewals", "import", path)


def test_one_byte_too_many_is_refused(shop):
    house, _ = shop
    path = house.folder / "clientes.csv"
    with open(path, "wb") as f:
        f.write(b"nombres,telefono,notas\n")
        row = b"Ana,0983000001," + b"x" * 1900 + b"\n"
        while f.tell() + len(row) < 50 * 1024 * 1024:
            f.write(row)
        f.write(b"A" * (50 * 1024 * 1024 + 1 - f.tell()))
    done = house.call("renewals", "import", path, "--commit")
    assert done.returncode == 2 and "50 MB" in sentence(done)
    assert rows_of(house) == (0, 0)


def test_a_file_that_is_not_there_is_said(shop):
    house, _ = shop
    done = house.call("renewals", "import", house.folder / "nowhere.csv")
    assert done.returncode == 2 and "nowhere.csv" in sentence(done)


def test_an_import_works_without_a_running_server_too(shop):
    house, _ = shop
    house.stop()
    house.import_csv(one("Bea,,0983000002,,,,,,,,"), "--commit", now=MORNING)
    house.serve(now=MORNING)
    assert rows_of(house) == (2, 1)
