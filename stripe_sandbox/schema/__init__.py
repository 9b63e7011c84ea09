"""What each endpoint accepts, as data generated from Stripe's own SDK."""
