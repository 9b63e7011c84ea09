"""``python -m tests.browser.mail_pictures`` takes a picture of each mail at a phone's width, from the samples."""

import os
from pathlib import Path

import django
from playwright.sync_api import ViewportSize

from tests.chromium import open_chromium

PHONE: ViewportSize = {"width": 360, "height": 740}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "estuary.config.settings")
    django.setup()
    from estuary.config.environment import BASE_DIR
    from estuary.payments.mailing.samples import SAMPLES

    folder = Path(BASE_DIR, ".var", "mail-pictures")
    folder.mkdir(parents=True, exist_ok=True)
    with open_chromium() as chromium:
        page = chromium.new_page(viewport=PHONE, device_scale_factor=2)
        for kind, sample in SAMPLES.items():
            page.set_content(sample().html)
            page.screenshot(path=folder / f"{kind}.png", full_page=True)
    print(f"{len(SAMPLES)} pictures: {folder}")  # noqa: T201


if __name__ == "__main__":
    main()
