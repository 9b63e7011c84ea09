"""``python -m demo`` starts everything and stays up; ``--smoke`` checks on free ports and exits."""

import sys

from demo.run import main

sys.exit(main(sys.argv[1:]))
