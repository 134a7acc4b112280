"""The day of the specification's acceptance vectors (spec §19): 8 September 2025 in Guayaquil."""
import pytest

from house import wait_until

EVENING_BEFORE = "2025-09-07T21:00:00-05:00"
MORNING = "2025-09-08T08:30:00-05:00"
S1, S2, S3, S4, S5, S6, S8, S9 = (f"+59398100000{n}" for n in (1, 2, 3, 4, 5, 6, 8, 9))

SPANISH = """\
✅ Buscando suscripciones que vencen en 7 días...
   - Encontradas: 1 suscripción
   - Enviados: {7} WhatsApp

✅ Buscando suscripciones que vencen en 3 días...
   - Encontradas: 1 suscripción
   - Enviados: {3} WhatsApp

✅ Buscando suscripciones que vencen en 1 día...
   - Encontradas: 1 suscripción
   - Enviados: {1} WhatsApp

🚨 Buscando suscripciones que vencen HOY...
   - Encontradas: 2 suscripciones
   - Enviados: {0} WhatsApp URGENTE
   - Omitidas: 1
📊 Total: {total} notificaciones enviadas
"""
ENGLISH = """\
✅ Looking for subscriptions that end in 7 days...
   - Found: 1 subscription
   - Sent: 1 WhatsApp

✅ Looking for subscriptions that end in 3 days...
   - Found: 1 subscription
   - Sent: 1 WhatsApp

✅ Looking for subscriptions that end in 1 day...
   - Found: 1 subscription
   - Sent: 1 WhatsApp

🚨 Looking for subscriptions that end TODAY...
   - Found: 2 subscriptions
   - Sent: 1 URGENT WhatsApp
   - Skipped: 1
📊 Total: 4 notifications sent
"""


@pytest.fixture
def business(village):
    """The nine subscriptions, written down the evening before; the server is stopped again."""
    house, standin = village.pair({"outbox.slots": "1"})
    house.serve(now=EVENING_BEFORE)
    netflix = house.api.service("Netflix", 1299)
    ends = {"S1": "15", "S2": "11", "S3": "09", "S4": "08", "S5": "07", "S6": "12", "S7": "08", "S8": "11", "S9": "15"}
    house.ids = {}
    for name, day in ends.items():
        phone = None if name == "S7" else f"+59398100000{name[1]}"
        client = house.api.client("Cliente", phone, surnames=name)
        row = house.api.subscription(client, netflix, f"2025-09-{day}", starts_on="2025-08-08")
        house.ids[name] = row["id"]
        if name == "S9":
            house.api.patch("clients/" + client["id"], is_active=False)
    house.api.post(f"subscriptions/{house.ids['S8']}/cancel-now")
    house.stop()
    return house, standin


def subscription(house, name):
    return house.api.get("subscriptions/" + house.ids[name])


def to_whom(standin):
    return [row["to"] for row in standin.accepted()]


def test_the_days_notices_leave_urgent_first_and_the_text_says_how_many(business):
    house, standin = business
    out = house.run("renewals", "run", "--wait", now=MORNING)
    assert out == SPANISH.format(*[1] * 8, total=4)
    assert to_whom(standin) == [S4, S3, S2, S1]


def test_the_same_run_in_english(business):
    house, _ = business
    assert house.run("renewals", "run", "--wait", now=MORNING, lang="en") == ENGLISH


def test_a_program_reads_the_counts_of_each_stage(business):
    house, _ = business
    report = house.run_today(now=MORNING)
    counts = {r["days"]: (r["found"], r["sent"], r["skipped"]) for r in report["results"]}
    assert counts == {0: (2, 1, 1), 1: (1, 1, 0), 3: (1, 1, 0), 7: (1, 1, 0)}
    assert report["total_sent"] == 4 and report["local_date"] == "2025-09-08" and report["success"] is True


def test_a_second_run_the_same_day_sends_nothing(business):
    house, standin = business
    house.run("renewals", "run", "--wait", now=MORNING)
    out = house.run("renewals", "run", "--wait", now="2025-09-08T11:00:00-05:00")
    assert "📊 Total: 0 notificaciones enviadas" in out
    assert to_whom(standin) == [S4, S3, S2, S1]


def test_the_wall_calendar_decides_what_became_of_each_subscription(business):
    house, _ = business
    house.run("renewals", "run", "--wait", now=MORNING)
    house.serve(now="2025-09-08T08:40:00-05:00")
    states = {name: subscription(house, name)["state"] for name in house.ids}
    assert states == {"S1": "active", "S2": "active", "S3": "active", "S4": "active", "S5": "expired",
                      "S6": "active", "S7": "active", "S8": "cancelled", "S9": "active"}
    left_out = [n for n in house.notices() if n["state"] == "skipped"]
    assert [(n["subscription_id"], n["skip_reason"]) for n in left_out] == [(house.ids["S7"], "no_phone")]
    assert len(house.notices()) == 5
    assert "sin teléfono" in house.panel().page("/notices")


def test_what_each_customer_reads(business):
    house, standin = business
    house.run("renewals", "run", "--wait", now=MORNING)
    said = {row["to"]: row["body"] for row in standin.accepted()}
    assert said[S1] == ("🔔 Hola, *Cliente S1*\nTu plan de *Netflix* está por terminar.\n📅 Termina: 15/09/2025\n"
                        "💰 Renovarlo: $12.99\n⏰ Te quedan 7 días\nPara renovar, contesta este mensaje.\n"
                        "Gracias por estar con *Cine en Casa* 🎬\n\nEscribe BAJA para no recibir avisos")
    assert "Te recordamos que tu plan de *Netflix* termina pronto." in said[S2]
    assert "Mañana termina tu plan de *Netflix*." in said[S3] and "⏰ Te queda 1 día\n" in said[S3]
    assert said[S4].startswith("🚨 *¡Urgente!* Hola, *Cliente S4*\nTu plan de *Netflix* termina *hoy*.\n")
    assert all("$12.99" in body for body in said.values())


def test_in_the_evening_tomorrow_is_still_one_day_away(business):
    house, _ = business
    evening = "2025-09-08T20:30:00-05:00"               # 01:30 of the 9th in UTC
    out = house.run("renewals", "run", "--dry-run", json_out=True, now=evening)
    assert {r["days"]: r["found"] for r in out["results"]}[1] == 1
    house.serve(now=evening)
    assert subscription(house, "S3")["days_left"] == 1
    assert house.messages() == []                        # at half past eight nobody is written to


def test_renewing_counts_from_the_end_or_from_today(business):
    house, _ = business
    house.run("renewals", "run", "--wait", now=MORNING)
    s4 = house.run("renewals", "renew", house.ids["S4"], "--no-confirmation", now=MORNING, json_out=True)
    s5 = house.run("renewals", "renew", house.ids["S5"], "--no-confirmation", now=MORNING, json_out=True)
    assert s4["ends_on"] == "2025-10-08"
    assert (s5["starts_on"], s5["ends_on"]) == ("2025-09-08", "2025-10-08")
    house.serve(now=MORNING)
    assert subscription(house, "S5")["state"] == "active"


def test_a_new_cycle_brings_the_four_notices_again(business):
    house, standin = business
    house.run("renewals", "run", "--wait", now=MORNING)
    house.run("renewals", "renew", house.ids["S4"], "--no-confirmation", now=MORNING)
    for day in ("2025-10-01", "2025-10-05", "2025-10-07", "2025-10-08"):
        house.run("renewals", "run", "--wait", now=day + "T08:30:00-05:00")
    said = [row["body"] for row in standin.accepted(S4)]
    assert len(said) == 5
    for text, days in zip(said[1:], ("Te quedan 7 días", "Te quedan 3 días", "Te queda 1 día", "Es el último día")):
        assert days in text and "08/10/2025" in text


def test_a_renewal_is_confirmed_to_the_customer_once(business):
    house, standin = business
    house.serve(now=MORNING)
    house.run("renewals", "renew", house.ids["S4"])
    wait_until(lambda: standin.accepted(S4), "the confirmation")
    house.run("renewals", "run", "--wait")
    said = [row["body"] for row in standin.accepted(S4)]
    assert len(said) == 1 and "quedó renovado" in said[0] and "08/10/2025" in said[0]


def test_a_gateway_that_asks_to_wait_is_obeyed_and_the_notice_stays_one_row(business):
    house, standin = business
    standin.set(magic={S2: "429"})
    report = house.run_today(now=MORNING)
    assert report["total_sent"] == 4
    assert [row["outcome"] for row in standin.received(S2)] == ["refused", "accepted"]
    house.serve(now="2025-09-08T08:40:00-05:00")
    rows = [n for n in house.notices() if n["subscription_id"] == house.ids["S2"]]
    assert [(n["state"], n["retry_count"]) for n in rows] == [("sent", 1)]


def test_killed_during_a_call_the_notice_is_unsure_and_not_repeated_that_day(business):
    house, standin = business
    standin.set(magic={S3: "408"})
    house.serve(now=MORNING)
    house.run("renewals", "run")
    wait_until(lambda: standin.received(S3), "S3's call")
    house.kill()
    standin.set(magic={S3: None})
    house.serve(now="2025-09-08T08:35:00-05:00")
    report = house.run_today(code=0)
    assert report["total_sent"] == 0
    wait_until(lambda: len(standin.accepted()) == 3, "the others")
    assert len(standin.received(S3)) == 1
    rows = [n for n in house.notices() if n["subscription_id"] == house.ids["S3"]]
    assert [n["state"] for n in rows] == ["unsure"]


# --- words and exit codes -------------------------------------------------------------------------------------

def test_a_dry_run_tells_who_would_be_written_to_and_sends_nothing(business):
    house, standin = business
    out = house.run("renewals", "run", "--dry-run", "--date", "2025-09-08", now=MORNING)
    assert "2025-09-08  Cliente S4  Netflix  " in out and "No se envió nada (--dry-run)." in out
    assert "0 días: encontradas 2, se enviarían 1, omitidas 1" in out
    assert S4 not in out and "sin teléfono" in out      # numbers are masked, reasons are not
    assert standin.received() == []


def test_only_the_asked_stages_run(business):
    house, standin = business
    house.run("renewals", "run", "--wait", "--stages", "7,0", now=MORNING)
    assert sorted(to_whom(standin)) == [S1, S4]


def test_the_old_command_name_still_works(business):
    house, standin = business
    house.run("send_expiration_notifications", "--days", "3", "--wait", now=MORNING)
    assert to_whom(standin) == [S2]


def test_exit_codes_tell_done_partly_failed_and_bad_input(business):
    house, standin = business
    standin.set(magic={S3: "422"})
    house.run("renewals", "run", "--wait", "--stages", "7", now=MORNING, code=0)
    house.run("renewals", "run", "--wait", "--stages", "1", now=MORNING, code=3)
    standin.set(magic={S2: "401"})
    house.run("renewals", "run", "--wait", "--stages", "3", now=MORNING, code=1)
    for words in (["renewals", "run", "--stages", "mañana"], ["renewals", "run", "--date", "31/02/2025"],
                  ["renewals", "renew", "nobody"], ["renewals", "run", "--loud"], ["renewals", "nothing"]):
        done = house.call(*words, now=MORNING)
        assert (done.returncode, done.stdout) == (2, ""), words
        assert len(done.stderr.strip().split("\n")) == 1, done.stderr


def test_another_day_or_another_clock_is_for_offline_mode_only(village):
    house = village.house(offline=False)
    for words, now in ((["renewals", "run", "--date", "2025-09-08"], None), (["renewals", "run"], MORNING)):
        done = house.call(*words, now=now)
        assert done.returncode == 2 and done.stderr.strip() != "", words
    house.run("renewals", "run", "--date", "2025-09-08", "--dry-run")


def test_the_figures_of_the_day(business):
    house, _ = business
    house.run("renewals", "run", "--wait", now=MORNING)
    day, = house.run("renewals", "stats", "--from", "2025-09-01", "--to", "2025-09-30", now=MORNING, json_out=True)
    assert (day["local_on"], day["found"], day["sent"], day["skipped"]) == ("2025-09-08", 5, 4, 1)
    assert [day[f"stage_{n}"] for n in (7, 3, 1, 0)] == [1, 1, 1, 2] and day["success_percent"] == 80
