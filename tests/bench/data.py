"""Fills a state folder made by `recado init` with customers, subscriptions and messages, by SQL.

The rows are what the program itself would have written: folded search texts, sort names, one period a subscription,
no contact before the first message. Secondary indexes are dropped while filling and made again from their own text.
"""
import datetime
import sqlite3
import time

GIVEN = ("Ana", "María", "José", "Luis", "Rosa", "Ángel", "Lucía", "Óscar", "Inés", "Raúl", "Sofía", "Iván", "Nuria",
         "Pablo", "Elena", "Hugo")
SURNAMES = ("Vera", "Núñez", "García", "Mora", "Peña", "Ibáñez", "Castro", "León", "Ortiz", "Zambrano", "Suárez",
            "Cedeño", "Ruiz", "Álava", "Molina", "Quispe")
SERVICES = (("netflix", "Netflix", 1299), ("disney", "Disney+", 899), ("max", "Max", 749), ("spotify", "Spotify", 599))
STAGES = (0, 1, 3, 7)
FOLDED = str.maketrans("áéíóúñ", "aeioun")


def fold(text):
    return text.lower().translate(FOLDED)


def text_list(words):
    """A SQL expression that picks a word by the number i: CASE is slow, an array by json is quick enough."""
    return "json_array(" + ",".join(f"'{w}'" for w in words) + ")"


def public_id(prefix):
    """26 characters as the program's, from the row number: scattered, as its random ones are."""
    return f"printf('{prefix}%013d%011d', (i * 7368787) % 10000000000037, i)"


class Filling:
    """One connection with the indexes of the tables taken away, in one transaction."""

    def __init__(self, path, tables):
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("PRAGMA foreign_keys = off")
        self.db.execute("PRAGMA synchronous = off")
        self.db.execute("PRAGMA cache_size = -200000")
        self.db.execute("BEGIN IMMEDIATE")
        marks = ",".join("?" * len(tables))
        self.indexes = self.db.execute(
            f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({marks})",
            tables).fetchall()
        for name, _ in self.indexes:
            self.db.execute(f"DROP INDEX {name}")

    def __enter__(self):
        return self.db

    def __exit__(self, kind, *_):
        if kind is None:
            for _, sql in self.indexes:
                self.db.execute(sql)
            self.db.execute("COMMIT")
            self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.db.close()


def numbers(count):
    return f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {int(count)}) "


def fill_services(db, now):
    for i, (name, shown, cents) in enumerate(SERVICES, 1):
        db.execute(
            "INSERT INTO service (id, public_id, name, display_name, name_folded, display_name_folded, price_cents, currency,"
            " created_at, updated_at, search) VALUES (?, ?, ?, ?, ?, ?, ?, 'USD', ?, ?, ?)",
            (i, f"s{i:025d}", name, shown, fold(name), fold(shown), cents, now, now, fold(shown)))


def fill_clients(db, count, now):
    given, surnames = text_list(GIVEN), text_list(SURNAMES)
    folded_given, folded_surnames = text_list(map(fold, GIVEN)), text_list(map(fold, SURNAMES))
    g, s1, s2 = "i % 16", "(i / 16) % 16", "(i / 256) % 16"
    db.execute(
        numbers(count) +
        "INSERT INTO client (id, public_id, given_names, surnames, email, phone, phone_original, phone_kind, created_at,"
        " updated_at, sort_name, search) "
        f"SELECT i, {public_id('cc')}, {given} ->> ({g}), ({surnames} ->> ({s1})) || ' ' || ({surnames} ->> ({s2})),"
        " printf('c%d@example.com', i), printf('+5939%08d', i), printf('09%08d', i), 'mobile',"
        f" {now} - i * 1000, {now},"
        f" ({folded_surnames} ->> ({s1})) || ' ' || ({folded_surnames} ->> ({s2})) || ' ' || ({folded_given} ->> ({g})),"
        f" ({folded_given} ->> ({g})) || ' ' || ({folded_surnames} ->> ({s1})) || ' ' || ({folded_surnames} ->> ({s2}))"
        " || printf(' c%d@example.com +5939%08d', i, i) FROM n")


def fill_subscriptions(db, count, clients, due_each, today, now):
    """due_each of them end at each stage's day, spread over the whole table; the others from day 8 to day 367."""
    ends = [(today + datetime.timedelta(days=d)).isoformat() for d in range(368)]
    due_all = due_each * len(STAGES)
    every = max(count // due_all, 1) if due_all else count + 1
    # i is due when it is a multiple of `every`, up to the wanted number.
    is_due = f"(i % {every} = 0 AND i / {every} <= {due_all})"
    days = f"CASE WHEN {is_due} THEN [{','.join(map(str, STAGES))}] ->> ((i / {every}) % 4) ELSE 8 + (i * 7919) % 360 END"
    days = days.replace("[", "json_array(").replace("]", ")")
    db.execute("CREATE TEMP TABLE day_text (d INTEGER PRIMARY KEY, ends_on TEXT, starts_on TEXT)")
    db.executemany("INSERT INTO day_text VALUES (?, ?, ?)",
                   [(d, e, (datetime.date.fromisoformat(e) - datetime.timedelta(days=30)).isoformat())
                    for d, e in enumerate(ends)])
    db.execute(
        numbers(count) +
        "INSERT INTO subscription (id, public_id, client_id, service_id, price_cents, currency, payment_status, starts_on,"
        " ends_on, created_at, updated_at, search) "
        f"SELECT i, {public_id('ss')}, c.id, v.id, v.price_cents, 'USD', 'paid', d.starts_on, d.ends_on, {now} - i * 100,"
        f" {now}, c.search || ' ' || v.search FROM (SELECT i, 1 + (i - 1) % {clients} AS c, 1 + i % 4 AS v, {days} AS d"
        " FROM n) x CROSS JOIN client c ON c.id = x.c CROSS JOIN service v ON v.id = x.v CROSS JOIN day_text d ON d.d = x.d")
    db.execute(
        "INSERT INTO subscription_period (subscription_id, starts_on, ends_on, price_cents, currency, created_at)"
        " SELECT id, starts_on, ends_on, price_cents, currency, created_at FROM subscription")
    db.execute("DROP TABLE day_text")


def fill(path, clients, subscriptions, due_each, today):
    """Customers with subscriptions in an empty database."""
    now = int(time.time() * 1000)
    with Filling(path, ["client", "subscription", "subscription_period", "service"]) as db:
        fill_services(db, now)
        fill_clients(db, clients, now)
        fill_subscriptions(db, subscriptions, clients, due_each, today, now)


def fill_messages(path, count, today):
    """A planned run: one queued notice for each of the first subscriptions, as plan.c writes them."""
    now = int(time.time() * 1000)
    expires = now + 20 * 3600 * 1000
    shown = today.strftime("%d/%m/%Y")
    with Filling(path, ["contact", "message", "notice"]) as db:
        account, = db.execute("SELECT id FROM channel_account WHERE name = 'whatsapp'").fetchone()
        version, = db.execute("SELECT version_id FROM template WHERE name = 'renewals.stage.3'").fetchone()
        batch = db.execute(
            "INSERT INTO batch (public_id, kind, title, origin, local_on, created_by, created_at, planned_at)"
            " VALUES (printf('%026d', 1), 'renewals.notices', 'Renewal notices', 'command', ?, 'command', ?, ?)",
            (today.isoformat(), now, now)).lastrowid
        db.execute(
            "INSERT INTO contact (id, kind, address, public_id, created_at)"
            f" SELECT i, 'phone', phone, {public_id('kk')}, {now} FROM (SELECT id AS i, phone FROM client WHERE id <= {int(count)})")
        db.execute(
            "INSERT INTO message (id, public_id, batch_id, channel_account_id, contact_id, topic, occasion,"
            " template_version_id, variables_json, priority, not_before_at, expires_at, created_by, created_at) "
            f"SELECT i, {public_id('mm')}, {batch}, {account}, c, 'notice', 'notice:' || i, {version},"
            " json_object('cliente', given_names || ' ' || surnames, 'servicio', service, 'fecha', :shown, 'precio', price,"
            " 'dias', 3, 'un_dia', json('false'), 'pasado', json('false'), 'negocio', 'Cine en Casa',"
            " 'telefono_negocio', '', 'baja', json('true')),"
            f" 3, {now}, {expires}, 'command', {now} FROM (SELECT s.id AS i, s.client_id AS c, c.given_names, c.surnames,"
            " v.display_name AS service, printf('$ %d,%02d', s.price_cents / 100, s.price_cents % 100) AS price"
            " FROM subscription s CROSS JOIN client c ON c.id = s.client_id CROSS JOIN service v ON v.id = s.service_id"
            f" WHERE s.id <= {int(count)} AND s.client_id <= {int(count)})", {"shown": shown})
        db.execute(
            "INSERT INTO notice (id, public_id, subscription_id, client_id, type, stage, days_left, cycle_ends_on, local_on,"
            " origin, batch_id, message_id, created_by, created_at, search) "
            f"SELECT i, {public_id('nn')}, i, c, 'expiration_warning', 3, 3, ends_on, :today, 'auto', {batch}, i, 'command',"
            f" {now}, s FROM (SELECT s.id AS i, s.client_id AS c, s.ends_on, s.search || ' ' || c.phone AS s"
            " FROM subscription s JOIN message m ON m.id = s.id JOIN client c ON c.id = s.client_id)",
            {"today": today.isoformat()})
