"""The storefront's lint finds the faults that were in it."""

import json
import subprocess
from pathlib import Path

from estuary.config.environment import BASE_DIR

FRONTEND = Path(BASE_DIR, "frontend")
NODE = Path(BASE_DIR, ".venv", "bin", "node")
# One fault a line, as it was or might be written.
FAULTS = {
    "const days = Object.groupBy(slots, keyOf);": "no-restricted-syntax",
    "const all = await Array.fromAsync(slots);": "no-restricted-syntax",
    "const signal = AbortSignal.any([first, second]);": "no-restricted-syntax",
    "const sorted = slots.toSorted();": "no-restricted-syntax",
    "navigator.userAgentData.mobile;": "compat/compat",
    'window.localStorage.setItem("a", "b");': "no-restricted-syntax",
    'sessionStorage.getItem("a");': "no-restricted-syntax",
    "setWords(error.message);": "no-restricted-syntax",
    "const { type, ...rest } = error; show(`${reason.message} Try again.`);": "no-restricted-syntax",
    'const words = "Nothing was charged: try again.";': "no-restricted-syntax",
    "const more = `Sorry. Nothing was charged by ${bank}.`;": "no-restricted-syntax",
    "const page = <p>Do not worry, nothing was charged.</p>;": "no-restricted-syntax",
    "const tomorrow = new Date(Date.now() + 86_400_000);": "no-restricted-syntax",
}


def test_each_fault_that_was_put_back_is_found() -> None:
    command = [str(NODE), "node_modules/eslint/bin/eslint.js", "--format", "json", "--stdin"]
    answer = subprocess.run(
        [*command, "--stdin-filename", "src/components/checkout/example.tsx"],
        cwd=FRONTEND,
        input="\n".join(FAULTS),
        capture_output=True,
        text=True,
        check=False,
    )
    messages = json.loads(answer.stdout)[0]["messages"]
    faults = {(message["line"], message["ruleId"]) for message in messages}
    expected = set(enumerate(FAULTS.values(), start=1))
    assert expected <= faults, expected - faults
