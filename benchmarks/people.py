"""Creates signed-in buyers: ``python -m benchmarks.people HOW_MANY FILE`` writes a bearer token for each, one a line.

Each buyer has a session as after a sign-in, but no password was hashed.
"""

import sys
from datetime import timedelta
from pathlib import Path

import django


def main(how_many: int, file: Path) -> None:
    django.setup()
    from allauth.headless.tokens.strategies.jwt.internal import create_access_token
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session

    from estuary.accounts.models import User
    from estuary.common import clock

    until = clock.now() + timedelta(days=1)
    people = User.objects.bulk_create(
        User(email=f"buyer{number}@estuary.example", first_name="Buyer", last_name=str(number))
        for number in range(how_many)
    )
    rows, tokens = [], []
    for user in people:
        store = SessionStore(f"{user.pk:032}")
        holds = {
            SESSION_KEY: str(user.pk),
            BACKEND_SESSION_KEY: "allauth.account.auth_backends.AuthenticationBackend",
            HASH_SESSION_KEY: user.get_session_auth_hash(),
        }
        rows.append(Session(f"{user.pk:032}", store.encode(holds), until))
        tokens.append(create_access_token(user, store, {}))
    Session.objects.bulk_create(rows, batch_size=1000)
    file.write_text("\n".join(tokens))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
