"""The demo: starts everything on a laptop, buys one of everything over HTTP, and cleans up after itself."""
