"""The sandbox's Stripe.js in a real browser, on a page of another origin with a strict Content-Security-Policy."""
