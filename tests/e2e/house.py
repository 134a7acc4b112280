"""The appliance as a user has it: a state folder, a server, the command line, the provider's stand-in.

Nothing here knows the code: everything goes over the command line, HTTP and the stand-in. Every process is started
here and ended here by its own id; every folder is temporary; every port is picked by the kernel.
"""
import contextlib
import ctypes
import datetime
import http.client
import json
import os
import pathlib
import re
import select
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Seconds until a thing that must happen counts as never happening.
PATIENCE = int(os.environ.get("RECADO_PATIENCE") or 60)
SECRET = "prove-it-is-you"
PASSWORD = "cuatro gatos en el tejado"
LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def binary():
    """The release binary where there is one, or what RECADO_BIN names."""
    named = os.environ.get("RECADO_BIN")
    for path in [pathlib.Path(named)] if named else [ROOT / "build/release/recado", ROOT / "build/debug/recado"]:
        if path.exists():
            return str(path)
    raise RuntimeError("no recado binary: run make first")


def wait_until(look, what="it", pause=0.005):
    """Ask again and again until look() gives something true; that thing."""
    end = time.monotonic() + PATIENCE
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < end, f"waited {PATIENCE} s in vain for {what}"
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def _dies_with_us():
    """A test run that is killed leaves no server behind."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def spawn(argv, log, **more):
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL,
                            preexec_fn=_dies_with_us, **more)


def read_line(process, wanted, log_path):
    """The first line of the process's output that matches; bytes, so that no buffer hides one."""
    end = time.monotonic() + PATIENCE
    seen = b""
    while True:
        match = re.search(wanted, seen)
        if match:
            return match
        ready, _, _ = select.select([process.stdout], [], [], 0.2)
        piece = os.read(process.stdout.fileno(), 65536) if ready else b""
        if piece == b"" and ready:
            process.wait(PATIENCE)
            raise Refused(process.returncode, seen.decode(), pathlib.Path(log_path).read_text())
        seen += piece
        assert time.monotonic() < end, f"never said {wanted}: {seen!r}"


class Refused(Exception):
    """The process ended instead of getting ready."""

    def __init__(self, code, out, err):
        super().__init__(f"exit {code}\n{out}\n{err}")
        self.code, self.out, self.err = code, out, err


class Reply:
    def __init__(self, response):
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.getheaders()}
        self.cookies = response.headers.get_all("Set-Cookie") or []
        self.body = response.read()

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:600]!r}>"


def request(address, method, path, body=None, headers=None):
    host = urllib.parse.urlsplit(address).netloc
    line = http.client.HTTPConnection(host, timeout=PATIENCE)
    try:
        line.request(method, path, body=body, headers=headers or {})
        return Reply(line.getresponse())
    finally:
        line.close()


class Standin:
    """`recado standin`, a process of its own: it lives on when the appliance is killed."""

    def __init__(self, folder, *options):
        self.log_path = folder / "standin.log"
        self.log = open(self.log_path, "ab")
        self.process = spawn([binary(), "standin", "--listen", "127.0.0.1:0", *options], self.log)
        self.address = read_line(self.process, rb"(http://[0-9.:]+)\n", self.log_path).group(1).decode()

    def get(self, path):
        reply = request(self.address, "GET", path)
        assert reply.status == 200, reply
        return reply.json

    def post(self, path, **values):
        reply = request(self.address, "POST", path, json.dumps(values), {"Content-Type": "application/json"})
        assert reply.status in (200, 202), reply
        return reply.json

    def set(self, **values):
        self.post("/_standin/set", **values)

    def received(self, to=None):
        """What arrived, oldest first."""
        return self.get("/_standin/received" + (f"?to={urllib.parse.quote(to)}" if to else ""))

    def accepted(self, to=None):
        return [row for row in self.received(to) if row["outcome"] == "accepted"]

    def counts(self):
        return self.get("/_standin/received?count=1")

    def say(self, phone, text, **more):
        """A customer writes."""
        self.post("/_standin/inbound", **{"from": phone, "text": text, "name": "Cliente", **more})

    def close(self):
        stop(self.process)
        self.log.close()


def stop(process, how=signal.SIGTERM):
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError("the process did not stop") from None
    if process.stdout:
        process.stdout.close()


class House:
    """One state folder and whatever runs on it."""

    def __init__(self, folder, settings=(), standin=None, offline=True):
        self.folder, self.standin = folder, standin
        self.state = folder / "state"
        self.config = self.state / "recado.ini"
        self.server, self.address, self.token_text = None, None, None
        self.began = {}                 # a start's --now → when it was first said
        self.log_path = folder / "serve.log"
        self.made = self.run("init", str(self.state), config=False, json_out=True)
        defaults = {"mode.offline": "yes" if offline else "no", "business.name": "Cine en Casa",
                    "web.listen": "127.0.0.1:0", "whatsapp.pause_s": "0", "whatsapp.webhook_secret": SECRET,
                    "whatsapp.api_key": "key-of-the-session",
                    "web.api_per_minute": "0"}          # tests ask faster than any program may
        if standin:
            defaults["whatsapp.base_url"] = standin.address
        self.run("config", "set", *(word for pair in {**defaults, **dict(settings)}.items() for word in pair))

    # --- the command line ---

    def call(self, *words, now=None, lang=None, stdin="", config=True, json_out=False, env=None):
        argv = [binary(), *map(str, words)]
        if config:
            argv += ["--config", str(self.config)]
        if now:
            argv += ["--now", now]
        if lang:
            argv += ["--lang", lang]
        if json_out:
            argv.append("--json")
        return subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=PATIENCE * 4,
                              preexec_fn=_dies_with_us, env={**os.environ, **(env or {})})

    def run(self, *words, code=0, **more):
        """Run a command that must end with this code; its output (parsed with json_out=True)."""
        done = self.call(*words, **more)
        assert done.returncode == code, f"recado {words}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout) if more.get("json_out") else done.stdout

    def set(self, name, value):
        self.run("config", "set", name, value)

    # --- the server ---

    def serve(self, now=None, secret=SECRET):
        """Start it and wait until it says that it is ready. A clock that a start has set goes on until the next one."""
        assert self.server is None
        if now:
            first = self.began.setdefault(now, time.monotonic())
            then = datetime.datetime.fromisoformat(now.replace("Z", "+00:00"))
            now = (then + datetime.timedelta(seconds=time.monotonic() - first)).isoformat(timespec="milliseconds")
        argv = [binary(), "serve", "--config", str(self.config)] + (["--now", now] if now else [])
        with open(self.log_path, "ab") as log:
            self.server = spawn(argv, log, cwd=self.folder)
        try:
            self.address = read_line(self.server, rb"(http://127\.0\.0\.1:\d+)\n", self.log_path).group(1).decode()
        except Refused:
            self.server = None
            raise
        assert request(self.address, "GET", "/health/live").status == 200
        if self.standin and secret is not None:
            self.standin.set(webhook=self.address + "/webhook/wasender/", secret=secret)
        return self

    def stop(self, how=signal.SIGTERM):
        """Stop it; the exit code (minus the signal when it was killed)."""
        process, self.server = self.server, None
        if process is None:
            return None
        stop(process, how)
        return process.returncode

    def kill(self):
        return self.stop(signal.SIGKILL)

    def hold_when(self, sql, *values):
        """Stop the server in the middle, as soon as this finds a row; it stays stopped until SIGCONT.

        It runs between two looks only, so whoever looks slowly misses nothing.
        """
        def found():
            self.server.send_signal(signal.SIGSTOP)
            try:
                with contextlib.closing(sqlite3.connect(f"file:{self.state / 'recado.db'}?mode=ro", uri=True, timeout=1)) as line:
                    if line.execute(sql, values).fetchone():
                        return True
            except sqlite3.OperationalError:        # stopped with a lock in its hand
                pass
            self.server.send_signal(signal.SIGCONT)
            return False
        wait_until(found, sql, pause=0.001)

    def is_alive(self):
        return self.server is not None and self.server.poll() is None

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    # --- people ---

    def add_user(self, name, role="owner", password=PASSWORD):
        self.run("user", "add", name, "--role", role, "--password-stdin", stdin=password + "\n")

    def token(self, name="tests", rights="*"):
        return self.run("token", "add", name, "--rights", rights).strip()

    @property
    def api(self):
        if self.token_text is None:
            self.token_text = self.token()
        return Api(self, self.token_text)

    def panel(self, name="ana", role="owner", lang=None):
        """A logged-in person at the panel."""
        self.add_user(name, role)
        return Panel(self, name, lang=lang)

    # --- short ways ---

    def import_csv(self, text, *options, code=0, **more):
        path = self.folder / "clientes.csv"
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(text, encoding="utf-8")
        return self.run("renewals", "import", path, *options, code=code, **more)

    def notices(self, **filters):
        return self.api.all("notices", **filters)

    def messages(self, **filters):
        return self.api.all("outbox", **filters)

    def run_today(self, now=None, code=0):
        """The day's notices, waited for; the report."""
        return self.run("renewals", "run", "--wait", now=now, json_out=True, code=code)

    def sql(self, text, *values):
        """Read the database as the ordinary sqlite3 shell would: for what no page shows."""
        line = sqlite3.connect(f"file:{self.state / 'recado.db'}?mode=ro", uri=True, timeout=PATIENCE)
        try:
            return line.execute(text, values).fetchall()
        finally:
            line.close()

    def close(self):
        self.stop(signal.SIGKILL)


class Api:
    """A program with a token."""

    def __init__(self, house, token):
        self.house, self.token = house, token

    def call(self, method, path, values=None, headers=None):
        full = {"Authorization": "Bearer " + self.token, **(headers or {})}
        body = None
        if values is not None:
            body, full["Content-Type"] = json.dumps(values), "application/json"
        return request(self.house.address, method, "/api/v1/" + path, body, full)

    def get(self, path):
        reply = self.call("GET", path)
        assert reply.status == 200, reply
        return reply.json

    def post(self, path, **values):
        reply = self.call("POST", path, values)
        assert reply.status in (200, 201), reply
        return reply.json

    def patch(self, path, **values):
        reply = self.call("PATCH", path, values)
        assert reply.status == 200, reply
        return reply.json

    def all(self, resource, **filters):
        """Every row of a list, page by page."""
        rows, cursor = [], None
        while True:
            asked = {"limit": 200, **filters, **({"cursor": cursor} if cursor else {})}
            answer = self.get(resource + "?" + urllib.parse.urlencode(asked))
            rows += answer["data"]
            cursor = answer["next"]
            if not cursor:
                return rows

    def service(self, name="Netflix", price_cents=1299, **more):
        return self.post("services", display_name=name, price_cents=price_cents, **more)

    def client(self, given_names, phone=None, **more):
        if phone:
            more["phone"] = phone
        return self.post("clients", given_names=given_names, **more)

    def subscription(self, client, service, ends_on, **more):
        return self.post("subscriptions", client_id=client["id"], service_id=service["id"], ends_on=ends_on, **more)


class Panel:
    """A browser without pictures: cookies, forms, redirects."""

    def __init__(self, house, name=None, password=PASSWORD, lang=None):
        self.house, self.cookies = house, {}
        if lang:
            self.cookies["recado_lang"] = lang
        if name:
            reply = self.send("POST", "/login", {"name": name, "password": password})
            assert reply.status == 303, reply

    def send(self, method, path, form=None, headers=None, body=None):
        full = {**(headers or {})}
        if self.cookies:
            full["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        if form is not None:
            body = urllib.parse.urlencode(form, doseq=True)
            full["Content-Type"] = "application/x-www-form-urlencoded"
        reply = request(self.house.address, method, path, body, full)
        for cookie in reply.cookies:
            name, _, value = cookie.split(";", 1)[0].partition("=")
            self.cookies[name] = value
        return reply

    def page(self, path, status=200):
        reply = self.send("GET", path)
        assert reply.status == status, f"{path}: {reply}"
        return reply.text

    def csrf(self):
        found = re.search(r'name="csrf" value="([^"]+)"', self.page("/"))
        assert found, "no form with a token on the home page"
        return found.group(1)

    def post(self, path, **form):
        """Send a form as the page would; follows the redirect, gives the page after it."""
        reply = self.send("POST", path, {"csrf": self.csrf(), **form})
        if reply.status == 303:
            return self.page(reply.headers["location"])
        assert reply.status == 200, reply
        return reply.text


def text_of(html):
    """What a person reads of a page."""
    html = re.sub(r"(?s)<(script|style|head)\b.*?</\1>", " ", html)
    html = re.sub(r"<[^>]+>", " ", html)
    for entity, char in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#39;", "'"), ("&#x27;", "'"), ("&amp;", "&")):
        html = html.replace(entity, char)
    return re.sub(r"\s+", " ", html)


class Village:
    """Makes houses and stand-ins for one test and clears all of them away."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="recado-test-"))
        self.made, self.count = [], 0

    def _folder(self):
        self.count += 1
        folder = self.folder / str(self.count)
        folder.mkdir()
        return folder

    def standin(self, *options):
        made = Standin(self._folder(), *options)
        self.made.append(made)
        return made

    def house(self, settings=(), standin=None, offline=True):
        made = House(self._folder(), settings, standin, offline)
        self.made.append(made)
        return made

    def house_in(self, folder, settings=()):
        """A house in a folder that is there already."""
        made = House(folder, settings)
        self.made.append(made)
        return made

    def pair(self, settings=(), *options):
        """A house and its stand-in."""
        standin = self.standin(*options)
        return self.house(settings, standin), standin

    def close(self):
        for made in reversed(self.made):
            made.close()
        shutil.rmtree(self.folder, ignore_errors=True)
