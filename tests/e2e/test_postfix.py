"""Mail through a real Postfix: what it takes, what it keeps for somebody, what it sends away."""
import email
import email.policy
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile

import pytest

from house import PATIENCE, wait_until
from smtp_server import MailHouse, certificate, folder_of, outcome
from test_smtp import ANA, HTML, MAIL, PDF, SUBJECT, TEXT, lines_of

POSTFIX = "/usr/sbin/postfix"
DAEMONS = "/usr/lib/postfix/sbin"

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="Postfix starts as root only"),
    pytest.mark.skipif(os.path.exists("/usr/sbin/sendmail") and not os.path.exists(POSTFIX),
                       reason="another mail server is installed, and stays"),
]

MAIN = """
compatibility_level = 3.6
queue_directory = {at}/queue
data_directory = {at}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.pruebas.example
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
maillog_file = {at}/log
maillog_file_prefixes = {at}
virtual_mailbox_domains = example.org, correo.xn--espaa-rta.example
virtual_mailbox_maps = inline:{{ {{ana@example.org = ana/}}, {{ana@correo.xn--espaa-rta.example = ana/}},
  {{later@example.org = later/}} }}
virtual_mailbox_base = {at}/mail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_tls_security_level = may
smtpd_tls_chain_files = {pem}
smtpd_recipient_restrictions = check_recipient_access
  inline:{{ {{later@example.org = 450 4.7.1 come back later}} }}, reject_unauth_destination
"""

SERVICES = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
showq unix n - n - - showq
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """An instance of its own: its settings, queue, mailboxes and port are in one temporary folder."""

    def __init__(self, pem):
        self.at = pathlib.Path(tempfile.mkdtemp(prefix="recado-postfix-"))
        self.at.chmod(0o755)
        nobody, owner = pwd.getpwnam("nobody"), pwd.getpwnam("postfix")
        for name in ("etc", "queue", "data", "mail"):
            (self.at / name).mkdir()
        shutil.copy(pem, self.at / "server.pem")
        os.chown(self.at / "data", owner.pw_uid, owner.pw_gid)
        os.chown(self.at / "mail", nobody.pw_uid, nobody.pw_gid)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.etc = self.at / "etc"
        (self.etc / "main.cf").write_text(MAIN.format(at=self.at, daemons=DAEMONS, uid=nobody.pw_uid,
                                                      gid=nobody.pw_gid, pem=self.at / "server.pem"))
        (self.etc / "master.cf").write_text(SERVICES.format(port=self.port))
        self.command("start")
        wait_until(self._answers, "Postfix")

    def command(self, word):
        done = subprocess.run([POSTFIX, "-c", self.etc, word], capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stdout + done.stderr + self.log()

    def _answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as line:
                return line.recv(3) == b"220"
        except OSError:
            return False

    def log(self):
        path = self.at / "log"
        return path.read_text() if path.exists() else ""

    def mails(self, box="ana"):
        return [path.read_bytes() for path in sorted((self.at / "mail" / box).glob("new/*"))]

    def close(self):
        self.command("stop")
        shutil.rmtree(self.at, ignore_errors=True)


@pytest.fixture
def postfix(village):
    pem, trusted = certificate(folder_of(village))
    made = Postfix(pem)
    made.trusted = str(trusted)
    yield made
    made.close()


def test_a_real_mail_server_takes_our_mail_whole_refuses_whom_it_does_not_know_and_puts_off(village, postfix):
    town = MailHouse(village)
    house = town.house(postfix, [MAIL, {"address": ANA, "subject": "Uno", "text": ".\nsolo\n"}, "nadie@example.org",
                                 "later@example.org"], security="starttls", ca_file=postfix.trusted).serve()
    wait_until(lambda: not house.sql("SELECT 1 FROM message WHERE state = 'sending' OR"
                                     " (state = 'queued' AND attempts = 0)"), "all outcomes")
    assert outcome(house, MAIL["address"])[0] == outcome(house, ANA)[0] == "sent", postfix.log()
    assert outcome(house, "nadie@example.org")[:2] == ("failed", "no_mailbox")
    assert outcome(house, "nadie@example.org")[5] == "no_mailbox"
    assert outcome(house, "later@example.org")[:4] == ("queued", "later", 1, "open")
    mails = wait_until(lambda: len(postfix.mails()) == 2 and postfix.mails(), "the mailbox")
    read = {str(mail["subject"]): mail for mail in (email.message_from_bytes(raw, policy=email.policy.default)
                                                    for raw in mails)}
    assert set(read) == {SUBJECT, "Uno"}
    for mail in read.values():
        assert "TLS" in mail["received"] or "ESMTPS" in mail["received"]
        assert mail["return-path"] == "<ventas@example.com>"
    assert lines_of(read["Uno"].get_content()) == ".\nsolo\n\n"
    plain = read[SUBJECT].get_body(("plain",))
    html = read[SUBJECT].get_body(("html",))
    assert lines_of(plain.get_content()) == TEXT and lines_of(html.get_content()) == HTML
    assert [part.get_content() for part in read[SUBJECT].iter_attachments()][0] == PDF
    assert house.sql("SELECT provider_id FROM message WHERE state = 'sent'")[0][0] in postfix.log()
    # The wrong authority: not a byte of mail.
    _, strange = certificate(folder_of(village), "strange")
    other = town.house(postfix, [ANA], security="starttls", ca_file=str(strange)).serve()
    wait_until(lambda: outcome(other)[3] == "stopped", "the stop")
    assert outcome(other)[4] == "insecure" and len(postfix.mails()) == 2
