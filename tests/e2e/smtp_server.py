"""A mail server that does what a test says at each step of the dialogue, and houses that send through it.

Steps: banner, ehlo, starttls, tls, auth, mail, rcpt, data, body, end. What happens at one: nothing (all goes well), a
reply ("451 4.3.0 later"), "cut" or "stall". Steps from rcpt on may be given for one recipient alone.
"""
import pathlib
import re
import shutil
import socket
import sqlite3
import ssl
import subprocess
import threading
import time

from house import House, wait_until

BODY_SHARE = 3000       # bytes of the content that are read before the line is cut within it


def certificate(folder, name="authority", host="localhost"):
    """A self-signed certificate for this machine; (file of both parts, file to trust)."""
    both, cert = folder / f"{name}.pem", folder / f"{name}.crt"
    key = folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", cert, "-days", "2", "-subj", f"/CN={host}",
                    "-addext", f"subjectAltName=DNS:{host},IP:127.0.0.1"], check=True, capture_output=True)
    both.write_text(key.read_text() + cert.read_text())
    return both, cert


class Line:
    """One connection: lines in, replies out, over TLS or not."""

    def __init__(self, sock):
        self.sock, self.buffer = sock, b""

    def say(self, text):
        self.sock.sendall(text.encode() + b"\r\n")

    def more(self):
        piece = self.sock.recv(65536)
        if not piece:
            raise ConnectionError
        self.buffer += piece

    def line(self):
        while b"\n" not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line + b"\n"

    def until(self, end):
        while end not in self.buffer:
            self.more()
        text, self.buffer = self.buffer.split(end, 1)
        return text + end


class Gone(Exception):
    """The server left the dialogue on purpose."""


class MailServer:
    """Answers on a loopback port of its own; what it heard is in mails, lines and connections."""

    def __init__(self, steps=None, per_to=None, security="none", cert=None, offers=("SIZE 26214400", "8BITMIME"),
                 with_starttls=True, mechanisms="PLAIN LOGIN", slow_s=0.0):
        self.steps, self.per_to, self.security, self.cert = dict(steps or {}), dict(per_to or {}), security, cert
        self.offers, self.with_starttls, self.mechanisms, self.slow_s = offers, with_starttls, mechanisms, slow_s
        self.mails, self.lines, self.connections, self.is_closed = [], [], 0, False
        self.logins = []
        self.lock, self.closing = threading.Lock(), threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        # Little is taken in advance, so that a large mail is cut within, not in a buffer of the kernel.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.is_closed = True
        self.closing.set()
        self.socket.close()

    def to(self, address):
        return [mail for mail in self.mails if mail["to"] == address]

    def _accept(self):
        while not self.is_closed:
            try:
                sock, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        sock.settimeout(60)
        try:
            self._talk(sock)
        except (Gone, OSError, ConnectionError):
            pass
        finally:
            try:
                sock.close()
            except OSError:
                pass

    def _do(self, line, step, to=None):
        """What the test wants here. True: go on as usual."""
        what = self.per_to.get(to, {}).get(step) if to else None
        what = what or self.steps.get(step)
        if what is None:
            return True
        if what == "cut":
            raise Gone
        if what == "stall":         # without reading either
            self.closing.wait(60)
            raise Gone
        line.say(what)
        return False

    def _secure(self, sock):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert)
        return Line(context.wrap_socket(sock, server_side=True))

    def _hello(self, line, is_secure):
        words = ["casa de pruebas", *self.offers]
        if self.security == "starttls" and self.with_starttls and not is_secure:
            words.append("STARTTLS")
        if self.mechanisms:
            words.append("AUTH " + self.mechanisms)
        line.say("\r\n".join(f"250{'-' if word is not words[-1] else ' '}{word}" for word in words))

    def _login(self, line, words):
        if words[1].upper() == "PLAIN":
            if len(words) < 3:
                line.say("334 ")
                words.append(line.line().decode().strip())
        else:
            if len(words) < 3:
                line.say("334 VXNlcm5hbWU6")
                words.append(line.line().decode().strip())
            line.say("334 UGFzc3dvcmQ6")
            words.append(line.line().decode().strip())
        self.logins.append(words[1:])
        if self._do(line, "auth"):
            line.say("235 2.7.0 welcome")

    def _content(self, line, mail):
        to = mail["to"]
        if not self._do(line, "data", to):
            return
        line.say("354 go on")
        if self.per_to.get(to, {}).get("body") or self.steps.get("body"):
            while len(line.buffer) < BODY_SHARE:
                line.more()
            self._do(line, "body", to)
        mail["raw"] = line.until(b"\r\n.\r\n")[:-3]
        with self.lock:
            self.mails.append(mail)
        time.sleep(self.slow_s)
        if self._do(line, "end", to):
            line.say("250 2.0.0 Ok: queued as 4Test%d" % len(self.mails))

    def _talk(self, sock):
        line, is_secure, mail = Line(sock), self.security == "tls", {}
        if is_secure:
            self._do(line, "tls")
            line = self._secure(sock)
        if not self._do(line, "banner"):
            line.line()
            raise Gone
        line.say("220 pruebas.example ESMTP")
        while True:
            raw = line.line()
            self.lines.append(raw)
            words = raw.decode().strip().split(" ")
            verb = words[0].upper()
            if verb in ("EHLO", "HELO"):
                if self._do(line, "ehlo"):
                    self._hello(line, is_secure)
            elif verb == "STARTTLS":
                if self._do(line, "starttls"):
                    line.say("220 go ahead")
                    self._do(line, "tls")
                    line, is_secure = self._secure(line.sock), True
            elif verb == "AUTH":
                self._login(line, words)
            elif verb == "MAIL":
                mail = {"from": re.search(r"<(.*?)>", raw.decode()).group(1), "line": raw.decode().strip(),
                        "is_secure": is_secure}
                if self._do(line, "mail"):
                    line.say("250 2.1.0 ok")
            elif verb == "RCPT":
                assert "to" not in mail, "one recipient a mail"
                mail["to"] = re.search(r"<(.*?)>", raw.decode()).group(1)
                if self._do(line, "rcpt", mail["to"]):
                    line.say("250 2.1.5 ok")
            elif verb == "DATA":
                self._content(line, mail)
                mail = {}
            elif verb == "QUIT":
                line.say("221 bye")
                raise Gone
            else:
                line.say("250 ok")


SETTINGS = {"smtp.host": "127.0.0.1", "smtp.from": "Cine en Casa <ventas@example.com>", "smtp.security": "none",
            "smtp.timeout_s": "2", "outbox.window_from": "00:00", "outbox.window_to": "00:00"}


class MailHouse:
    """A state folder whose mails wait; copies of it are houses that send them to one server each."""

    def __init__(self, village):
        self.village = village
        self.template = village.house(settings=SETTINGS)
        self.template.serve()           # makes the database
        self.template.stop()

    def house(self, server, mails, **settings):
        """A house, not started, with these mails queued: {address, text, subject, html, files}."""
        folder = self.village._folder()
        shutil.copytree(self.template.state, folder / "state")
        made = House.__new__(House)
        made.folder, made.standin, made.state = folder, None, folder / "state"
        made.config, made.log_path = made.state / "recado.ini", folder / "serve.log"
        made.server = made.address = made.token_text = None
        self.village.made.append(made)
        text = made.config.read_text()
        wanted = {"port": str(server.port) if server else "1", **settings}
        section = re.search(r"(?m)^\[smtp\]\n(?:(?!^\[).*\n?)*", text)
        body = section.group(0).rstrip("\n") + "\n"
        for name, value in wanted.items():
            body = re.sub(rf"(?m)^{name} *=.*\n", "", body) + f"{name} = {value}\n"
        made.config.write_text(text[:section.start()] + body + "\n" + text[section.end():])
        self.queue(made, mails)
        return made

    @staticmethod
    def queue(house, mails):
        line = sqlite3.connect(house.state / "recado.db")
        now = int(time.time() * 1000)
        with line:
            line.execute("INSERT OR IGNORE INTO channel_account (kind, name, created_at) VALUES ('smtp', 'email', ?)",
                         (now,))
            account = line.execute("SELECT id FROM channel_account WHERE name = 'email'").fetchone()[0]
            batch = line.execute("INSERT INTO batch (public_id, kind, created_at) VALUES (?, 'test', ?)",
                                 (f"batch{now}", now)).lastrowid
            for n, mail in enumerate(mails):
                mail = {"address": mail} if isinstance(mail, str) else mail
                contact = line.execute(
                    "INSERT INTO contact (kind, address, public_id, created_at) VALUES ('email', ?, ?, ?)"
                    " ON CONFLICT (kind, address) DO UPDATE SET public_id = public_id RETURNING id",
                    (mail["address"], f"contact{now}n{n}", now)).fetchone()[0]
                message = line.execute(
                    "INSERT INTO message (public_id, batch_id, channel_account_id, contact_id, topic, occasion, body,"
                    " subject, html, not_before_at, expires_at, created_at)"
                    " VALUES (?, ?, ?, ?, 'notice', ?, ?, ?, ?, ?, ?, ?)",
                    (f"m{now}n{n}", batch, account, contact, f"test:{now}:{n}", mail.get("text", "Hola.\n"),
                     mail.get("subject", "Aviso"), mail.get("html"), now, now + 86400000, now)).lastrowid
                for position, file in enumerate(mail.get("files", ())):
                    line.execute("INSERT INTO message_file (message_id, position, file_id) VALUES (?, ?, ?)",
                                 (message, position, MailHouse.store(house, line, *file)))
        line.close()

    @staticmethod
    def store(house, line, name, media_type, content):
        import hashlib
        sha = hashlib.sha256(content).hexdigest()
        folder = house.state / "files" / sha[:2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / sha).write_bytes(content)
        return line.execute("INSERT INTO file (public_id, sha256, name, size, media_type, created_at)"
                            " VALUES (?, ?, ?, ?, ?, 0)", ("f" + sha[:25], sha, name, len(content), media_type)).lastrowid


def outcome(house, address=None):
    """(state, why, counted tries, the channel's state and why, the contact's fate) of a mail."""
    where = "c.address = ?" if address else "1"
    return house.sql("SELECT m.state, m.state_why, m.attempts, a.state, a.state_why, c.dead_reason FROM message m"
                     " JOIN channel_account a ON a.id = m.channel_account_id JOIN contact c ON c.id = m.contact_id"
                     f" WHERE {where} ORDER BY m.id", *([address] if address else []))[0]


def settled(house, address=None):
    """Wait until something was said about the mail: its row, its channel."""
    def look():
        state, _, tries, channel, _, _ = outcome(house, address)
        return state not in ("queued", "sending") or (state == "queued" and (tries > 0 or channel != "open"))
    wait_until(look, "an outcome")
    return outcome(house, address)


def folder_of(village):
    made = pathlib.Path(village.folder) / "trust"
    made.mkdir(exist_ok=True)
    return made
