"""``python -m demo.images`` fetches the digest of each base image from its registry and writes images.env.

``--check`` fetches nothing, and fails for an image without a digest in images.env.
"""

import re
import subprocess
import sys

from estuary.config.environment import BASE_DIR

FILE = BASE_DIR / "images.env"
VARIABLE = re.compile(r"\$\{(?P<name>\w+_IMAGE):-(?P<tag>[^}]+)\}")
PINNED = re.compile(r"(?P<name>\w+_IMAGE)=\S+@sha256:[0-9a-f]{64}")


def read_images() -> dict[str, str]:
    """Return the base images of compose.yaml by their variable, each with its tag."""
    text = (BASE_DIR / "compose.yaml").read_text(encoding="utf-8")
    return {match["name"]: match["tag"] for match in VARIABLE.finditer(text)}


def fetch_digest(image: str) -> str:
    """Return the digest of an image for all platforms; raises CalledProcessError."""
    command = ["docker", "buildx", "imagetools", "inspect", image, "--format", "{{.Manifest.Digest}}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def find_unpinned() -> list[str]:
    """Return the variables that images.env does not set to a digest."""
    lines = FILE.read_text(encoding="utf-8").splitlines() if FILE.exists() else []
    pinned = {match["name"] for line in lines if (match := PINNED.fullmatch(line))}
    return sorted(read_images().keys() - pinned)


def main(arguments: list[str]) -> int:
    if arguments != ["--check"]:
        try:
            lines = [f"{name}={image}@{fetch_digest(image)}\n" for name, image in read_images().items()]
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"The registry can't be asked ({error}). It needs Docker with buildx, and a network.")
            return 1
        FILE.write_text("".join(lines), encoding="utf-8")
    if unpinned := find_unpinned():
        print(f"Not named by a digest in images.env: {', '.join(unpinned)}. Run `make images`.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
