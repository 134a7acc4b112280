"""Days that do not go as planned: late starts, missed days, quiet hours (spec §5.4, §8)."""
import pytest

from house import wait_until

EVENING_BEFORE = "2025-09-07T21:00:00-05:00"


def at(day, hour):
    return f"2025-09-{day:02}T{hour}:00-05:00"


class Shop:
    """A business where each customer is known by the day of September on which the subscription ends."""

    def __init__(self, village, settings=(), now=EVENING_BEFORE):
        self.house, self.standin = village.pair({"outbox.slots": "1", **dict(settings)},
                                                "--delivered-ms", "-1", "--read-ms", "-1")
        self.house.serve(now=now)
        self.netflix = self.house.api.service("Netflix", 1299)

    def sell(self, *days):
        for day in days:
            client = self.house.api.client("Cliente", f"+5939840000{day:02}", surnames=f"{day:02}")
            self.house.api.subscription(client, self.netflix, f"2025-09-{day:02}", starts_on="2025-08-09")
        return self

    def texts(self):
        """(day of the end, text) of everything that arrived, in order."""
        return [(int(row["to"][-2:]), row["body"]) for row in self.standin.accepted()]

    def told(self):
        return [day for day, _ in self.texts()]

    def reopen(self, now):
        self.house.stop()
        self.house.serve(now=now)
        return self


@pytest.fixture
def shop(village):
    return Shop(village)


def is_planned(house, day):
    """The day's run has been planned; what it wanted to send may still wait."""
    return [b for b in house.api.all("batches") if b.get("local_on") == f"2025-09-{day:02}" and b["planned_at"]]


def test_the_notices_leave_at_nine_by_themselves(shop):
    shop.sell(8, 11).reopen("2025-09-08T08:59:59-05:00")
    wait_until(lambda: shop.told() == [8, 11], "nine o'clock")
    assert {n["origin"] for n in shop.house.notices()} == {"auto"}


def test_the_hour_is_a_setting(village):
    shop = Shop(village, {"renewals.time": "10:30"}).sell(8)
    shop.reopen("2025-09-08T10:29:59-05:00")
    wait_until(lambda: shop.told() == [8], "half past ten")


def test_a_machine_that_was_off_at_nine_sends_when_it_comes_back_the_same_day(shop):
    shop.sell(8, 9).reopen(at(8, "11:30"))
    wait_until(lambda: sorted(shop.told()) == [8, 9], "the late run")
    shop.reopen(at(8, "14:00"))
    assert shop.house.run_today()["total_sent"] == 0
    assert sorted(shop.told()) == [8, 9]


def test_a_machine_that_comes_back_after_eight_in_the_evening_writes_to_nobody(shop):
    shop.sell(8, 10).reopen(at(8, "20:30"))
    shop.house.run("renewals", "run")
    wait_until(lambda: is_planned(shop.house, 8), "the plan")
    assert {m["state"] for m in shop.house.messages()} == {"queued"}
    shop.reopen(at(9, "08:30"))                         # “hoy” would not be true any more
    wait_until(lambda: {m["state"] for m in shop.house.messages()} == {"expired"}, "the end of the day")
    assert shop.told() == []


def test_before_eight_in_the_morning_messages_wait_for_eight(shop):
    shop.sell(8).reopen(at(8, "07:00"))
    shop.house.run("renewals", "run")
    wait_until(lambda: is_planned(shop.house, 8), "the plan")
    shop.house.run("renewals", "gateway", now="2025-09-08T07:50:00-05:00")
    assert shop.told() == [] and [m["state"] for m in shop.house.messages()] == ["queued"]
    shop.house.run("renewals", "gateway", now="2025-09-08T08:00:00-05:00")
    wait_until(lambda: shop.told() == [8], "eight o'clock")


def test_the_quiet_hours_are_a_setting(village):
    shop = Shop(village, {"outbox.window_from": "06:00", "outbox.window_to": "07:00"}).sell(8)
    shop.reopen(at(8, "06:30"))
    assert shop.house.run_today()["total_sent"] == 1


def test_missed_days_are_made_up_for_once_with_the_true_number_of_days(shop):
    shop.sell(8, 11, 12, 14, 15, 18).reopen(at(8, "08:30"))
    shop.house.run_today()
    assert sorted(shop.told()) == [8, 11, 15]           # 0, 3 and 7 days
    before = len(shop.told())
    shop.reopen(at(12, "08:30"))                        # the 9th, 10th and 11th were missed
    report = shop.house.run_today()
    said = dict(shop.texts()[before:])
    assert sorted(said) == [12, 14, 15, 18]
    assert "termina *hoy*" in said[12] and "Te quedan 3 días" in said[15]
    assert "termina en 2 días." in said[14] and "termina en 6 días." in said[18]
    assert report["caught_up"] == 2 and report["total_sent"] == 2
    caught = {n["days_left"]: n["stage"] for n in shop.house.notices() if n["origin"] == "catchup"}
    assert caught == {2: 3, 6: 7}
    assert shop.house.run_today()["caught_up"] == 0 and len(shop.told()) == before + 4


def test_what_was_made_up_for_does_not_take_the_next_stage_away(shop):
    shop.sell(14).reopen(at(8, "08:30"))
    shop.house.run_today()
    for day in (12, 13, 14):
        shop.reopen(at(day, "08:30"))
        shop.house.run_today()
    assert [text.split("\n")[1] for _, text in shop.texts()] == [
        "Tu plan de *Netflix* termina en 2 días.", "Mañana termina tu plan de *Netflix*.",
        "Tu plan de *Netflix* termina *hoy*."]


def test_nobody_is_told_about_a_day_before_they_were_a_customer(shop):
    shop.reopen(at(8, "08:30"))
    shop.house.run_today()
    shop.reopen(at(12, "08:30")).sell(14, 18)
    assert shop.house.run_today()["caught_up"] == 0 and shop.told() == []


def test_making_up_for_missed_days_can_be_switched_off(village):
    shop = Shop(village, {"renewals.catch_up": "no"}).sell(14).reopen(at(8, "08:30"))
    shop.house.run_today()
    shop.reopen(at(12, "08:30"))
    assert shop.house.run_today()["caught_up"] == 0 and shop.told() == []


def test_notices_can_be_switched_off_altogether(village):
    shop = Shop(village, {"renewals.notices": "no"}).sell(8)
    shop.reopen("2025-09-08T08:59:59-05:00")
    shop.house.run("renewals", "gateway", now=at(8, "12:00"))
    done = shop.house.call("renewals", "run", "--wait")
    assert done.returncode != 0 and "apagados" in done.stdout + done.stderr
    assert shop.told() == []


def test_a_renewal_takes_back_the_notice_that_had_not_left_yet(shop):
    shop.sell(8).reopen(at(8, "07:00"))
    shop.house.run("renewals", "run")
    wait_until(lambda: is_planned(shop.house, 8), "the plan")
    row, = shop.house.api.all("subscriptions")
    shop.house.run("renewals", "renew", row["id"], "--no-confirmation")
    message, = shop.house.messages()
    assert message["state"] == "cancelled"
    shop.house.run("renewals", "gateway", now=at(8, "09:00"))
    shop.house.run("renewals", "run", "--wait")
    assert shop.told() == []


def test_the_formal_texts(village):
    shop = Shop(village, {"renewals.text_set": "formal"}).sell(8, 9, 11, 15)
    shop.reopen(at(8, "08:30"))
    shop.house.run_today()
    said = dict(shop.texts())
    assert said[15] == ("📅 *Cine en Casa*\nHola, *Cliente 15*. Su plan de *Netflix* termina en 7 días.\n"
                        "• Fecha: 15/09/2025\n• Renovación: $12.99\n"
                        "Para renovar conteste este mensaje y le indicamos cómo pagar.\n\n"
                        "Escriba BAJA para no recibir avisos")
    assert "Quedan 3 días" in said[11] and "termina mañana, 09/09/2025" in said[9] and "vence hoy" in said[8]


def test_the_business_phone_and_the_opt_out_line_are_settings(village):
    shop = Shop(village, {"business.phone": "0991234567", "renewals.opt_out_line": "no"}).sell(15)
    shop.reopen(at(8, "08:30"))
    shop.house.run_today()
    (_, text), = shop.texts()
    assert "o escríbenos al " in text and "123" in text and "BAJA" not in text
