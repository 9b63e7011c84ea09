"""Search, in Stripe's query language: https://docs.stripe.com/search."""

from typing import Any

import pytest
import stripe

from stripe_sandbox import Sandbox
from tests.sandbox.shop import intent, paid


@pytest.fixture
def people(api: stripe.StripeClient) -> dict[str, str]:
    anna = api.v1.customers.create(
        {"email": "anna@example.com", "name": "Anna O'Neill", "metadata": {"user": "1", "note": 'says "hi"'}}
    )
    ben = api.v1.customers.create({"email": "ben@example.com", "name": "Ben", "metadata": {"user": "2"}})
    cleo = api.v1.customers.create({"name": "Cleo Neill", "phone": "+15550100"})
    return {anna.id: "anna", ben.id: "ben", cleo.id: "cleo"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("email:'anna@example.com'", ["anna"]),
        ('email:"ANNA@example.com"', ["anna"]),
        ("email:'anna'", []),
        ("email~'example'", ["ben", "anna"]),
        ("name:'Anna O\\'Neill'", ["anna"]),
        ("name~'neill'", ["cleo", "anna"]),
        ("name~'neill' AND phone:'+15550100'", ["cleo"]),
        ("name~'neill' phone:'+15550100'", ["cleo"]),
        ("email:'ben@example.com' or phone:\"+15550100\"", ["cleo", "ben"]),
        ("-email:'ben@example.com'", ["cleo", "anna"]),
        ("email:null", ["cleo"]),
        ("-email:null", ["ben", "anna"]),
        ("metadata['user']:'1'", ["anna"]),
        ('metadata["note"]:\'says "hi"\'', ["anna"]),
        ("metadata['note']~'says'", ["anna"]),
        ("-metadata['user']:null AND -metadata['user']:'1'", ["ben"]),
        ("metadata['user']:null", ["cleo"]),
        ("created>0 AND created<=9999999999", ["cleo", "ben", "anna"]),
    ],
)
def test_customers_are_found(
    api: stripe.StripeClient, people: dict[str, str], query: str, expected: list[str]
) -> None:
    assert [people[one.id] for one in api.v1.customers.search({"query": query}).data] == expected


def test_payments_and_charges_are_found(api: stripe.StripeClient, customer: str) -> None:
    cheap, dear = intent(api, amount=900), paid(api, amount=5000, customer=customer)
    refunded = paid(api, "pm_card_mastercard", amount=3000)
    api.v1.refunds.create({"payment_intent": refunded.id})

    def intents(query: str) -> list[str]:
        return [one.id for one in api.v1.payment_intents.search({"query": query}).data]

    def charges(query: str) -> list[Any]:
        return [one.payment_intent for one in api.v1.charges.search({"query": query}).data]

    assert intents("amount>1000") == [refunded.id, dear.id]
    assert intents("amount:900") == intents("status:'requires_payment_method'") == [cheap.id]
    assert intents(f"customer:'{customer}' AND currency:'usd'") == [dear.id]
    assert charges("refunded:'true'") == [refunded.id]
    assert charges("payment_method_details.card.brand:'mastercard'") == [refunded.id]
    assert charges("payment_method_details.card.exp_year>2000 AND -refunded:'true'") == [dear.id]
    assert charges("disputed:'true'") == []


def test_products_and_prices_are_found(api: stripe.StripeClient) -> None:
    yoga = api.v1.products.create({"name": "Yoga for two", "url": "https://shop.example/yoga"})
    gone = api.v1.products.create({"name": "Yoga for one"})
    api.v1.products.delete(gone.id)
    price = api.v1.prices.create(
        {"product": yoga.id, "unit_amount": 900, "currency": "usd", "lookup_key": "two"}
    )
    assert [one.id for one in api.v1.products.search({"query": "name~'yoga'"}).data] == [yoga.id]
    assert [one.id for one in api.v1.products.search({"query": "active:'true' -url:null"}).data] == [yoga.id]
    for query in ("lookup_key:'two'", f"product:'{yoga.id}' AND type:'one_time'"):
        assert [one.id for one in api.v1.prices.search({"query": query}).data] == [price.id]


def test_pages_of_a_search_follow_each_other(api: stripe.StripeClient) -> None:
    customer_ids = [api.v1.customers.create({"name": "Anna"}).id for _ in range(5)]
    first = api.v1.customers.search({"query": "name:'Anna'", "limit": 2, "expand": ["total_count"]})
    plain = first.to_dict()
    assert (plain["object"], plain["url"]) == ("search_result", "/v1/customers/search")
    assert (plain["total_count"], plain["has_more"]) == (5, True)
    api.v1.customers.create({"name": "Anna"})
    assert first.next_page
    second = api.v1.customers.search({"query": "name:'Anna'", "limit": 2, "page": first.next_page})
    assert [one.id for one in (*first.data, *second.data)] == customer_ids[:0:-1]
    assert "total_count" not in second.to_dict()
    all_ids = [one.id for one in api.v1.customers.search({"query": "name:'Anna'"}).auto_paging_iter()]
    assert len(all_ids) == 6
    last = api.v1.customers.search({"query": "name:'Anna'", "limit": 0})
    assert len(last.data) == 1
    with pytest.raises(stripe.InvalidRequestError, match="no page of this query"):
        api.v1.customers.search({"query": "name:'Ben'", "page": first.next_page})


def test_a_deleted_customer_is_not_found(api: stripe.StripeClient, customer: str) -> None:
    api.v1.customers.delete(customer)
    assert api.v1.customers.search({"query": "email:'anna@example.com'"}).data == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("colour:'blue'", "`colour` is an unsupported search field for resource `customers`"),
        ("status:'succeeded'", "unsupported search field"),
        ("payment_method_details.card.brand:'visa'", "unsupported search field"),
        ("nonsense", "unable to parse"),
        ("", "query"),
        ("email:'anna", "unable to parse"),
        ("email:'a' AND", "unable to parse"),
        ("(email:'a')", "unable to parse"),
        ("email:'a'name:'b'", "unable to parse"),
        ("email~null", "unable to parse"),
        ("email:anna@example.com", "quotation marks"),
        ("email>'a'", "operator `>` is not supported"),
        ("created~'123'", "operator `~` is not supported"),
        ("email~'an'", "at least 3 characters"),
        ("created>'yesterday'", "must be a number"),
        ("email:'a' AND name:'b' OR name:'c'", "not with both"),
    ],
)
def test_what_stripe_does_not_understand_is_refused(api: stripe.StripeClient, query: str, words: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        api.v1.customers.search({"query": query})
    assert caught.value.http_status == 400 and words in str(caught.value.user_message)


def test_a_search_without_a_query_is_refused(sandbox: Sandbox) -> None:
    bearer = {"Authorization": "Bearer sk_test_1234567890"}
    answer = sandbox.request("GET", "/v1/payment_intents/search", bearer)
    error = answer.json()["error"]
    assert (answer.status, error["code"], error["param"]) == (400, "parameter_missing", "query")
