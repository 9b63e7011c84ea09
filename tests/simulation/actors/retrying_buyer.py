"""A buyer with a saved card or credits and no key, whose answers get lost: it sends the same again until it knows."""

from typing import TYPE_CHECKING

from tests.simulation.browser import Answer

if TYPE_CHECKING:
    from tests.simulation.actors.buyers import Buyer

CREATE = "/api/v1/payments/create/"
PATIENCE_S = 9 * 60.0  # after ten minutes the same is another purchase
UNKNOWN, BOUGHT = {0, 502, 503}, "bought_just_now"


def retry(buyer: "Buyer") -> None:
    """Buy something once, and now and then knowingly once more; both again and again while no answer comes."""
    body = _wish(buyer)
    if body is None:
        return
    first = _create_until_answered(buyer, body)
    if "order_id" in first and buyer.draws.odds("once more", 0.5):
        _create_until_answered(buyer, body | {"again": first["order_id"]})


def _wish(buyer: "Buyer") -> dict[str, object] | None:
    bundle = str(buyer.harness.world.services["bundle"].pk)
    body: dict[str, object] = buyer.draws.pick(
        "what",
        [
            {"is_credit_purchase": True, "amount": "44.00"},
            {"service_id": bundle},
            {"service_id": bundle, "use_credits": True},
        ],
    )
    card = buyer.a_saved_card()
    if card:
        return body | {"payment_method_id": card}
    return body if "use_credits" in body else None


def _create_until_answered(buyer: "Buyer", body: dict[str, object]) -> Answer:
    """Send a purchase until its outcome is known; an answer may be lost between us and the browser as well."""
    harness = buyer.harness
    harness.oracle.intentions.note(buyer.user.pk, body)
    started_at, answer = harness.clock.now(), Answer()
    for number in range(6):
        answer = buyer.browser.ask("post", CREATE, body)
        lost = answer.fine and buyer.draws.odds(f"answer {number} is lost", 0.4)
        harness.run_log.add(
            f"  POST create without a key → {answer.status} {answer.get('code', '')} "
            f"{answer.get('order_id', '')}{', and the answer is lost' * lost}"
        )
        if answer.status not in UNKNOWN and not lost:
            break
        buyer.pause()
        if harness.clock.now() > started_at + PATIENCE_S:
            break
    if answer.fine:
        harness.knows_order(answer["order_id"])
    return answer if answer.fine or answer.get("code") == BOUGHT else Answer()
