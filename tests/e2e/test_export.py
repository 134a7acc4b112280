"""Lists that leave as CSV and Excel: read back by other programs, every cell is what the API says it is."""
import csv
import datetime
import decimal
import io
import re
import zipfile

import openpyxl
import pytest

from house import Panel, Village

NOW = "2025-09-08T10:00:00-05:00"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HOSTILE = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "'=quoted", "a\tb", 'say "hi", then; go', "\u202eright to left\u202c",
           "<b>&amp;</b>", "😀 ñandú — €", "_x0041_", "1e5", "007", "TRUE", "kept  inside"]
NOTE = "one line\nand the next\r\n\tand a third, \"quoted\" "


@pytest.fixture(scope="module")
def office():
    """One served house with something in every list, for all tests of this file."""
    village = Village()
    house = village.house()
    house.serve(now=NOW)
    netflix = house.api.service("Netflix", 1299)
    for i, text in enumerate(HOSTILE):
        client = house.api.client(text, f"09990000{i:02}", surnames=f"N{i:02}", notes=text + NOTE * 20)
        house.api.subscription(client, netflix, "2025-09-08" if i % 2 else "2025-12-31")
    house.run_today()
    house.add_user("dora", "owner")
    yield house
    village.close()


@pytest.fixture(scope="module")
def dora(office):
    return Panel(office, "dora")


def raw(panel, path, media):
    reply = panel.send("GET", path)
    assert reply.status == 200 and reply.headers["content-type"].startswith(media), (path, reply)
    return reply


def rows_of_csv(panel, path, delimiter=","):
    text = raw(panel, path, "text/csv").body.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def book_of(panel, path):
    return openpyxl.load_workbook(io.BytesIO(raw(panel, path, XLSX).body))


def unguarded(text):
    """The apostrophe that keeps a spreadsheet from running a text."""
    return text[1:] if re.match(r"'+[=+\-@\t\r]", text) else text


def unescaped(text):
    """What openpyxl leaves as it stands in the file (ECMA-376, ST_Xstring)."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda m: chr(int(m.group(1), 16)), text)


def as_text(cell):
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        rounded = value.replace(microsecond=0) + datetime.timedelta(seconds=value.microsecond >= 500000)
        return rounded.strftime("%Y-%m-%d" if cell.number_format == "mm-dd-yy" else "%Y-%m-%d %H:%M:%S")
    return unescaped(value) if isinstance(value, str) else repr(value)


def same(from_csv, cell):
    if isinstance(cell.value, (int, float)):
        return decimal.Decimal(from_csv) == decimal.Decimal(repr(cell.value))
    return unguarded(from_csv) == as_text(cell)


def lists_of(panel):
    """Every page of the menu that offers itself as a file."""
    found = []
    for path in dict.fromkeys(re.findall(r'href="(/[a-z_/-]+)"', panel.page("/"))):
        reply = panel.send("GET", path)
        if reply.status == 200 and f'href="{path}.csv' in reply.text:
            found.append(path)
    return found


def test_every_list_of_the_panel_is_the_same_as_csv_and_as_excel(dora):
    names = lists_of(dora)
    assert {"/clients", "/services", "/subscriptions", "/notices", "/outbox", "/jobs"} <= set(names), names
    for name in names:
        rows, sheet = rows_of_csv(dora, name + ".csv"), book_of(dora, name + ".xlsx").active
        assert (sheet.max_row, sheet.max_column) == (len(rows), len(rows[0])), name
        for line, cells in zip(rows, sheet.iter_rows()):
            for text, cell in zip(line, cells):
                assert same(text, cell), (name, cell.coordinate, text, cell.value)
        assert sheet.freeze_panes == "A2" and sheet.auto_filter.ref.startswith("A1:"), name


def test_an_export_has_the_rows_of_the_api_in_its_order(office, dora):
    for name in ("clients", "services", "subscriptions", "notices", "outbox"):
        wanted = [str(row["id"]) for row in office.api.all(name)]
        assert [row[0] for row in rows_of_csv(dora, f"/{name}.csv")[1:]] == wanted, name


def test_the_cells_of_a_customer_are_those_of_the_api(office, dora):
    asked = "?columns=given_names,surnames,phone,created_at"
    sheet = book_of(dora, "/clients.xlsx" + asked).active
    for cells, row in zip(list(sheet.iter_rows())[1:], office.api.all("clients"), strict=True):
        names, surnames, phone, created = cells[1:]
        assert unescaped(names.value) == row["given_names"] and surnames.value == row["surnames"]
        assert phone.value == row["phone"] and phone.data_type != "n" and phone.number_format == "@"
        at = datetime.datetime.fromisoformat(row["created_at"].replace("Z", "+00:00"))
        local = at.astimezone(datetime.timezone(datetime.timedelta(hours=-5))).replace(tzinfo=None)
        assert abs(created.value - local) < datetime.timedelta(seconds=1)


def test_amounts_are_numbers_and_dates_are_dates(office, dora):
    sheet = book_of(dora, "/services.xlsx?columns=price_cents").active
    assert [c.value for c in sheet["B"]][1:] == [12.99] and sheet["B2"].number_format == "#,##0.00"
    sheet = book_of(dora, "/subscriptions.xlsx?columns=ends_on").active
    wanted = [datetime.datetime.fromisoformat(row["ends_on"]) for row in office.api.all("subscriptions")]
    assert [c.value for c in sheet["B"]][1:] == wanted


def test_hostile_texts_arrive_as_texts(office, dora):
    rows = rows_of_csv(dora, "/clients.csv?columns=given_names,notes")
    # a form trims what people type; nothing else may have changed
    assert sorted(unguarded(row[1]) for row in rows[1:]) == sorted(c["given_names"] for c in office.api.all("clients"))
    assert {"=1+1", "-2+3", "@SUM(A1)", "a\tb", "_x0041_"} <= {unguarded(row[1]) for row in rows}
    assert not any(row[1][:1] in "=+-@\t" for row in rows[1:] if row[1])
    book = raw(dora, "/clients.xlsx?columns=given_names,notes", XLSX).body
    sheet = zipfile.ZipFile(io.BytesIO(book)).read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and "<hyperlink" not in sheet
    cells = {unescaped(c.value) for c in openpyxl.load_workbook(io.BytesIO(book)).active["B"]}
    assert {unguarded(row[1]) for row in rows} == cells


def test_exactly_what_is_filtered_is_exported(office, dora):
    page = dora.page("/subscriptions?q=N01")
    link = re.search(r'href="(/subscriptions\.xlsx[^"]*)"', page).group(1).replace("&amp;", "&")
    assert "q=N01" in link
    sheet = book_of(dora, link).active
    wanted = office.api.all("subscriptions", q="N01")
    assert len(wanted) == 1 and [c.value for c in sheet["A"]][1:] == [wanted[0]["id"]]
    assert book_of(dora, "/clients.xlsx?q=nobody+has+this+name").active.max_row == 1
    assert dora.send("GET", "/clients.xlsx?sort=nothing").status == 400


def test_the_order_and_the_columns_are_those_that_were_chosen(dora):
    up = rows_of_csv(dora, "/clients.csv?columns=surnames,given_names&dir=up")
    down = rows_of_csv(dora, "/clients.csv?columns=surnames,given_names&dir=down")
    assert len(up[0]) == 3 and up[1:] == down[:0:-1]


def test_a_spanish_excel_opens_the_csv_by_a_double_click(dora):
    body = raw(dora, "/clients.csv?separator=semicolon", "text/csv").body
    assert body.startswith(b"\xef\xbb\xbfid;")
    assert rows_of_csv(dora, "/clients.csv?separator=semicolon", ";") == rows_of_csv(dora, "/clients.csv")


def test_files_are_named_after_the_list_and_the_day(dora):
    for kind, media in (("csv", "text/csv"), ("xlsx", XLSX)):
        reply = raw(dora, f"/clients.{kind}", media)
        assert f'filename="clients-2025-09-08.{kind}"' in reply.headers["content-disposition"]
        assert reply.headers["cache-control"].startswith("private") or "no-store" in reply.headers["cache-control"]


def test_the_headings_speak_the_readers_language(office):
    office.add_user("emma", "owner")
    spanish = [c.value for c in book_of(Panel(office, "emma"), "/clients.xlsx").active[1]]
    english = [c.value for c in book_of(Panel(office, "emma", lang="en"), "/clients.xlsx").active[1]]
    assert spanish != english and "Nombres" in spanish and "Given names" in english


def test_who_may_not_see_a_list_gets_no_file_of_it_either(office):
    office.add_user("rita", "reader")
    rita = Panel(office, "rita")
    for path in ("/users", "/tokens"):
        assert rita.send("GET", path).status == rita.send("GET", path + ".xlsx").status == 403, path
    assert Panel(office).send("GET", "/clients.xlsx").status in (303, 401)


def test_nothing_of_an_export_stays_in_the_state_folder(office, dora):
    book_of(dora, "/clients.xlsx")
    rows_of_csv(dora, "/clients.csv")
    assert list((office.state / "spool").iterdir()) == []
