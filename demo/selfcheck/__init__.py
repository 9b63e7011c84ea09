"""The self-check: buys one of everything over HTTP alone, as a browser would, and looks at what was handed over."""
