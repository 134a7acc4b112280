"""The recipients of a bulk send enter the database: the whole file or nothing of it."""
import json
import pathlib
import sqlite3
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "bench"))

import recipients  # noqa: E402
from house import wait_until  # noqa: E402


def rested(village):
    """A house with a database, not running."""
    made = village.house()
    made.token()
    return made


def send_of(made, data):
    path = made.folder / "destinatarios.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return recipients.place(made, path)


def settled(made, bulk_id):
    def look():
        (row,) = made.sql("SELECT import_status, status, imported_rows, valid_rows, import_error, import_json FROM bulk_send"
                          " WHERE id = ?", bulk_id)
        return row if row[0] != "importing" else None
    return wait_until(look, "the import")


def test_a_file_as_people_send_it_becomes_rows_under_their_own_names(village):
    made = rested(village)
    windows = "Correo;Nombres;Valor;Año\r\n".encode("cp1252") + (
        "ana@example.com;José;12,50;2026\r\n\r\n"
        'Eva@EXAMPLE.com;"Eva ""la jefa""\r\nPaz";;2026\r\n'
        "ana@example.com;José;12,50;2026\r\n"
        "nadie;x;1;2\r\n").encode("cp1252")
    first = send_of(made, windows)
    bad = send_of(made, "email;Valor;valor\nana@example.com;1;2\n")
    made.serve()
    status, state, rows, valid, error, about = settled(made, first)
    assert (status, state, rows, valid, error) == ("ready_with_errors", "pending", 4, 2, "")
    about = json.loads(about)
    assert (about["encoding"], about["delimiter"], about["email_column"]) == ("cp1252", ";", "Correo")
    assert about["errors"] == {"duplicate_row": 1, "recipient_invalid": 1} and about["duplicates"] == 1
    found = made.sql("SELECT row_number, recipient, normalized, name, payload_json, error_code FROM bulk_recipient"
                     " WHERE bulk_id = ? ORDER BY row_number", first)
    assert [row[5] for row in found] == ["", "", "duplicate_row", "recipient_invalid"]
    assert found[1][1:3] == ("Eva@EXAMPLE.com", "Eva@example.com")
    payload = {"Año": "2026", "Nombres": 'Eva "la jefa"\r\nPaz', "Valor": ""}
    assert found[1][4] == json.dumps(payload, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    status, state, rows, _, error, _ = settled(made, bad)
    assert (status, state, rows, error) == ("error", "error", 0, "duplicate_header")
    assert made.sql("SELECT count(*) FROM bulk_recipient WHERE bulk_id = ?", bad) == [(0,)]
    assert made.run("sends", "forget", "eva@example.com", json_out=True) == {"rows": 1, "report_rows": 0, "report_files": 0}
    assert made.sql("SELECT recipient, normalized, name, payload_json, error_code FROM bulk_recipient WHERE bulk_id = ?"
                    " AND row_number = 2", first) == [("***", None, "", None, "suppressed")]
    assert made.sql("SELECT file_id FROM bulk_send WHERE id = ?", first) == [(None,)]
    assert "ana@example.com" not in made.log() and "jefa" not in made.log()


def many(rows):
    return "email;Nombre\n" + "".join(f"persona{n}@example.com;Persona {n}\n" for n in range(rows))


def killed_half_way(village, rows, kills):
    made = rested(village)
    bulk_id = send_of(made, many(rows))
    seen_half = 0
    for _ in range(kills):
        made.serve()
        made.hold_when("SELECT 1 FROM bulk_recipient WHERE bulk_id = ?1 UNION ALL"
                       " SELECT 1 FROM bulk_send WHERE id = ?1 AND import_status <> 'importing'", bulk_id)
        made.kill()
        line = sqlite3.connect(made.state / "recado.db")
        version, there = line.execute("SELECT import_version, (SELECT count(*) FROM bulk_recipient r WHERE r.bulk_id = b.id)"
                                      " FROM bulk_send b WHERE id = ?", (bulk_id,)).fetchone()
        line.close()
        assert version == 0 or there == rows
        seen_half += version == 0 and there > 0
    made.serve()
    assert settled(made, bulk_id)[:4] == ("ready", "pending", rows, rows)
    assert made.sql("SELECT count(*), count(DISTINCT row_number), min(import_version), max(import_version) FROM bulk_recipient"
                    " WHERE bulk_id = ?", bulk_id) == [(rows, rows, 1, 1)]
    return seen_half


def test_a_power_cut_while_rows_are_written_leaves_none_that_is_read(village):
    assert killed_half_way(village, 60_000, 2) > 0


@pytest.mark.long
def test_many_power_cuts_leave_none_that_is_read(village):
    assert killed_half_way(village, 250_000, 12) > 0
