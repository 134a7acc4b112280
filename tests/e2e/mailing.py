"""A mailing put straight into the queue: what its letter says, and to whom."""
import secrets
import sqlite3
import time

ANY_HOUR = {"outbox.window_from": "00:00", "outbox.window_to": "00:00"}
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


def public_id():
    return "".join(secrets.choice(LETTERS) for _ in range(26))


def queue(house, channel, people, **letter):
    """One batch with its letter; people: addresses, or (address, name, variables as JSON). Needs a stopped house."""
    assert not house.is_alive()
    now = int(time.time() * 1000)
    said = {"from_email": "ventas@tienda.example", "from_name": "Tienda", "subject": "Hola {{nombre}}",
            "text": "Hola {{nombre}}, hay novedades.", "html": "<p>Hola {{nombre}}</p>", "list_name": "Novedades",
            "has_unsubscribe": 1, **letter}
    line = sqlite3.connect(house.state / "recado.db")
    with line:
        kind = "smtp" if channel == "email" else channel
        line.execute("INSERT OR IGNORE INTO channel_account (kind, name, created_at) VALUES (?, ?, ?)", (kind, channel, now))
        account = line.execute("SELECT id FROM channel_account WHERE name = ?", (channel,)).fetchone()[0]
        batch = line.execute("INSERT INTO batch (public_id, kind, title, created_at) VALUES (?, 'test', 'Novedades', ?)",
                             (public_id(), now)).lastrowid
        names = ", ".join(said)
        line.execute(f"INSERT INTO letter (batch_id, {names}, created_at) VALUES (?{', ?' * len(said)}, ?)",
                     (batch, *said.values(), now))
        for who in people:
            address, name, variables = who if isinstance(who, tuple) else (who, None, '{"nombre": "Ana"}')
            contact = line.execute(
                "INSERT INTO contact (kind, address, public_id, created_at) VALUES ('email', ?, ?, ?)"
                " ON CONFLICT (kind, address) DO UPDATE SET address = address RETURNING id",
                (address, public_id(), now)).fetchone()[0]
            line.execute(
                "INSERT INTO message (public_id, batch_id, channel_account_id, contact_id, topic, occasion, variables_json,"
                " to_name, not_before_at, expires_at, created_at) VALUES (?, ?, ?, ?, 'campaign', ?, ?, ?, ?, ?, ?)",
                (public_id(), batch, account, contact, f"test:{public_id()}", variables, name, now, now + 86400000, now))
    line.close()


def states(house):
    """address → (state, why, error) of its newest message."""
    return {row[0]: row[1:] for row in house.sql(
        "SELECT c.address, m.state, m.state_why, m.error FROM message m JOIN contact c ON c.id = m.contact_id ORDER BY m.id")}


def suppressed(house):
    return dict(house.sql("SELECT address, reason FROM suppression WHERE is_active = 1"))
