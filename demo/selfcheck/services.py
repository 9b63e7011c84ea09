"""Buying each kind of service by card."""

from demo.selfcheck.estuary import Json
from demo.selfcheck.failure import need
from demo.selfcheck.shop import Purchase, Row, Shop, row

BUYER = "maya"


def session(shop: Shop) -> Row:
    slug = "private-yoga"
    start = shop.free_start(slug)
    purchase = shop.begin_service("session", BUYER, slug, scheduling_data={"start_datetime": start})
    order = shop.pay(purchase)
    booking = _only_booking(purchase)
    need(booking["status"] == "confirmed", f"the booking is {booking['status']}, not confirmed")
    need(
        start not in shop.estuary.slots(shop.service(slug)["id"]),
        f"the slot {start} is still offered to others",
    )
    return row("Session", purchase, order, f"booking {booking['id']}, {_day(booking)}, slot taken")


def workshop(shop: Shop) -> Row:
    slug = "sound-bath-at-dusk"
    service_id, session_id = shop.service(slug)["id"], shop.next_session(slug)
    before = shop.estuary.seats_left(service_id, session_id)
    purchase = shop.begin_service("workshop", BUYER, slug, scheduling_data={"service_session_id": session_id})
    order = shop.pay(purchase)
    booking = _only_booking(purchase)
    after = shop.estuary.seats_left(service_id, session_id)
    need(after == before - 1, f"{before} seats were left and now {after}; one should be gone")
    _is_on_roster(shop, session_id, booking["id"])
    return row(
        "Workshop", purchase, order, f"booking {booking['id']}, seats {before} → {after}, on the roster"
    )


def course(shop: Shop) -> Row:
    slug = "yoga-foundations"
    service_id = shop.service(slug)["id"]
    before = {meeting["id"]: meeting["seats_left"] for meeting in shop.estuary.sessions(service_id)}
    purchase = shop.begin_service("course", BUYER, slug)
    order = shop.pay(purchase)
    booking = _only_booking(purchase)
    seats = {meeting["id"] for meeting in booking["sessions"]}
    need(seats == before.keys(), f"seats in {len(seats)} of the course's {len(before)} meetings")
    for meeting in shop.estuary.sessions(service_id):
        left = meeting["seats_left"]
        need(left == before[meeting["id"]] - 1, f"meeting {meeting['id']} has {left} seats left")
    return row("Course", purchase, order, f"booking {booking['id']}, a seat in each of {len(seats)} meetings")


def package(shop: Shop) -> Row:
    """Two of its three parts are booked with it; the third is given its time afterwards."""
    yoga, bodywork = shop.service("private-yoga")["id"], shop.service("somatic-bodywork")["id"]
    bath = shop.service("sound-bath-at-dusk")["id"]
    items = [
        {"service_id": yoga, "start_datetime": shop.free_start("private-yoga")},
        {"service_id": bath, "service_session_id": shop.next_session("sound-bath-at-dusk", 1)},
    ]
    purchase = shop.begin_service("package", BUYER, "reset-week", scheduling_data={"items": items})
    order = shop.pay(purchase)
    parent = _only_booking(purchase)
    waiting = [child for child in parent["children"] if child["needs_scheduling"]]
    need(len(parent["children"]) == 3, f"the package has {len(parent['children'])} children, not 3")
    need(
        [child["service_id"] for child in waiting] == [bodywork], "only the bodywork should wait for its time"
    )
    child_id = waiting[0]["id"]
    start = shop.free_start("somatic-bodywork")
    purchase.buyer.post(f"/api/v1/bookings/{child_id}/schedule/", start_datetime=start)
    again = _only_booking(purchase)
    need(
        not any(c["needs_scheduling"] for c in again["children"]), "a part still waits after it was scheduled"
    )
    return row("Package", purchase, order, f"booking {parent['id']} with 3 children, one scheduled later")


def bundle(shop: Shop) -> Row:
    purchase = shop.begin_service("bundle", BUYER, "private-yoga-5-plus-1")
    order = shop.pay(purchase)
    parent = _only_booking(purchase)
    children = parent["children"]
    need(len(children) == 6, f"the bundle has {len(children)} children, not 5 + 1")
    need(all(child["needs_scheduling"] for child in children), "a part of the bundle has a time nobody chose")
    return row(
        "Bundle",
        purchase,
        order,
        f"booking {parent['id']} with 5 + 1 to schedule by {parent['valid_until'][:10]}",
    )


def _only_booking(purchase: Purchase) -> Json:
    bookings = purchase.buyer.bookings_of(purchase.order_id)
    need(len(bookings) == 1, f"order {purchase.order_id} has {len(bookings)} bookings, not one")
    return bookings[0]


def _is_on_roster(shop: Shop, session_id: str, booking_id: str) -> None:
    meetings = shop.person("mateo").get("/api/v1/roster/")["results"]
    guests = [g["booking_id"] for m in meetings if m["service_session_id"] == session_id for g in m["guests"]]
    need(booking_id in guests, f"booking {booking_id} is not on the practitioner's roster")


def _day(booking: Json) -> str:
    return str(booking["start_datetime"])[:16].replace("T", " ")
