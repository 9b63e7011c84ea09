"""System programs that no package provides: found on the PATH, or installed with apt-get as root."""

import os
import shutil
import subprocess
import sys

from demo.plan import CannotStart

# Debian installs servers in /usr/sbin.
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"])
INSTALL = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends"]


def find(name: str, what_for: str) -> str:
    """Return the path of a program, from the Debian package of its name; raises CannotStart."""
    if not shutil.which(name, path=PATH):
        install(name)
    if path := shutil.which(name, path=PATH):
        return path
    raise CannotStart(f"{what_for} On Debian and Ubuntu: apt-get install {name}")


def install(package: str) -> bool:
    """Install a package as root on Debian or Ubuntu; return whether that succeeded."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "--quiet"], env=environment, stdout=sys.stderr, check=False)
    ended = subprocess.run([*INSTALL, package], env=environment, stdout=sys.stderr, check=False)
    return ended.returncode == 0
