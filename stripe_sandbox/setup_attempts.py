"""The attempts of SetupIntents: https://docs.stripe.com/api/setup_attempts."""

from stripe_sandbox import paging
from stripe_sandbox.endpoint_call import Call, Routes
from stripe_sandbox.store import Obj


def list_(call: Call) -> Obj:
    call.referred(call.state.store.setup_intents, "setup_intent")
    return paging.page(call.state.store.setup_attempts, call.path, call.params, "setup_intent")


ROUTES: Routes = {"GET /v1/setup_attempts": list_}
