"""The picker of times beside a change of clocks, by the clock and in the zone of the one who reads it."""

import re
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from demo.plan import Plan
from demo.selfcheck.shop import open_shop
from estuary.config.environment import SANDBOX_DEFAULTS
from tests.browser.conftest import PHONE, WAIT_MS

WEEKS = 3
# Where and when a page is opened: days before clocks change, late in the evening or early in the morning.
CHANGES = [
    ("Europe/Berlin", "2026-03-24T23:40"),  # forward on 29 March at 2:00
    ("Europe/Berlin", "2026-10-20T23:40"),  # back on 25 October
    ("America/New_York", "2027-03-09T23:59"),
    ("America/New_York", "2026-10-27T00:10"),
    ("America/St_Johns", "2027-03-10T23:45"),  # half hours from UTC
    ("Australia/Lord_Howe", "2026-09-30T23:50"),  # by half an hour
    ("Australia/Lord_Howe", "2027-03-31T23:50"),
    ("Africa/Cairo", "2027-04-27T23:30"),  # forward at midnight: a day begins at 1:00
    ("Africa/Cairo", "2026-10-27T23:30"),  # back at midnight: 23:00 twice
    ("Asia/Beirut", "2027-03-26T23:30"),
    ("America/Santiago", "2026-09-03T23:30"),
    ("America/Havana", "2026-10-29T23:30"),  # back to midnight: 0:00 twice
    ("Pacific/Auckland", "2026-09-22T23:30"),
    ("Pacific/Kiritimati", "2026-03-24T00:05"),  # 14 hours east
    ("Pacific/Pago_Pago", "2026-03-24T23:55"),  # 11 hours west
]


class Practice:
    """A practitioner who is free all day: one time after another is offered, as the API tells it."""

    def __init__(self, zone: ZoneInfo, *, minutes: int) -> None:
        self.zone = zone
        self.step = timedelta(minutes=minutes)
        self.days: list[date] = []

    def answer(self, route: Route) -> None:
        query = dict(pair.split("=") for pair in route.request.url.split("?")[1].split("&"))
        first, days = date.fromisoformat(query["from"]), int(query["days"])
        self.days += [first + timedelta(days=number) for number in range(days)]
        begin, end = (_midnight(first + timedelta(days=n), self.zone) for n in (0, days))
        starts = [
            begin + timedelta(minutes=30 * n) for n in range(int((end - begin) / timedelta(minutes=30)))
        ]
        slots = [
            {
                "start_datetime": start.astimezone(self.zone).isoformat(),
                "end_datetime": (start + timedelta(minutes=30)).astimezone(self.zone).isoformat(),
            }
            for start in starts
        ]
        route.fulfill(json={"service_id": "1", "time_zone": self.zone.key, "slots": slots})


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins: where no midnight exists, at the first moment of it that does."""
    begin = datetime.combine(day - timedelta(days=1), time(12), zone).astimezone(UTC)
    while begin.astimezone(zone).date() < day:
        begin += timedelta(minutes=30)
    return begin


def set_clocks(page: Page, at: datetime) -> None:
    """Set the clock of the page, and that of the server, which the page goes by."""
    date_header = format_datetime(at.astimezone(UTC), usegmt=True)

    def answer(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, headers=response.headers | {"date": date_header})

    page.clock.set_fixed_time(at)
    page.route("**/api/**", answer)


@pytest.mark.exhaustive(one_in=8)
@pytest.mark.parametrize(("name", "opened"), CHANGES, ids=lambda value: str(value).replace("/", "-"))
def test_each_day_and_each_slot_is_shown_once_around_a_change_of_clocks(
    browser: Browser, stack: Plan, name: str, opened: str
) -> None:
    zone = ZoneInfo(name)
    at = datetime.fromisoformat(opened).replace(tzinfo=zone)
    context = browser.new_context(base_url=stack.web_url, viewport=PHONE, locale="en-US", timezone_id=name)
    context.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    page, practice = context.new_page(), Practice(zone, minutes=120)
    set_clocks(page, at)
    page.route("**/slots/?*", practice.answer)
    shop = open_shop(stack.web_url, stack.sandbox_url, SANDBOX_DEFAULTS["stripe_secret_key"])
    page.goto(f"/services/?id={shop.service('private-yoga')['id']}")
    shown: list[str] = []
    for week in range(WEEKS):
        first = at.date() + timedelta(days=7 * week)
        named = "The next 7 days" if week == 0 else f"From {first:%a, %b} {first.day}"
        expect(page.get_by_text(re.compile(f"^{named}"))).to_be_visible()
        last = first + timedelta(days=6)
        expect(page.get_by_role("group", name=f"{last:%A, %B} {last.day}")).to_be_attached()
        shown += page.locator("fieldset legend").all_inner_texts()
        for labels in page.locator("fieldset").evaluate_all(
            "sets => sets.map(set => [...set.querySelectorAll('label')].map(label => label.textContent))"
        ):
            assert len(labels) == len(set(labels)), labels
        if week < WEEKS - 1:
            page.get_by_role("button", name="Later days").click()
    days = [at.date() + timedelta(days=number) for number in range(7 * WEEKS)]
    assert sorted(practice.days) == days
    assert shown == [f"{day:%A, %B} {day.day}" for day in days]
    context.close()


@pytest.mark.exhaustive(one_in=4)
@pytest.mark.parametrize(
    ("name", "opened", "twice"),
    [
        ("Europe/Berlin", "2026-10-24T12:00", {"2:30 AM GMT+2", "2:30 AM GMT+1"}),
        ("Australia/Lord_Howe", "2027-04-03T12:00", {"1:30 AM GMT+11", "1:30 AM GMT+10:30"}),
        ("America/New_York", "2026-10-31T12:00", {"1:30 AM EDT", "1:30 AM EST"}),
        ("Africa/Cairo", "2026-10-29T12:00", {"11:30 PM GMT+3", "11:30 PM GMT+2"}),
    ],
)
def test_an_hour_that_comes_twice_is_told_apart(
    browser: Browser, stack: Plan, name: str, opened: str, twice: set[str]
) -> None:
    zone = ZoneInfo(name)
    at = datetime.fromisoformat(opened).replace(tzinfo=zone)
    context = browser.new_context(base_url=stack.web_url, viewport=PHONE, locale="en-US", timezone_id=name)
    context.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    page, practice = context.new_page(), Practice(zone, minutes=30)
    set_clocks(page, at)
    page.route("**/slots/?*", practice.answer)
    shop = open_shop(stack.web_url, stack.sandbox_url, SANDBOX_DEFAULTS["stripe_secret_key"])
    page.goto(f"/services/?id={shop.service('private-yoga')['id']}")
    expect(page.get_by_role("radio").first).to_be_attached()
    labels = [label.replace("\u202f", " ") for label in page.locator("fieldset label").all_text_contents()]
    named = [label for label in labels if re.search("GMT|E[DS]T", label)]
    assert twice <= set(named)
    assert len(named) == len(set(named))
    for label in twice:
        page.get_by_role("radio", name=re.compile(re.escape(label).replace("\\ ", r"\s") + "$")).check()
        expect(page.get_by_text(re.compile(re.escape(label.split(" ")[-1]))).last).to_be_visible()
    context.close()
