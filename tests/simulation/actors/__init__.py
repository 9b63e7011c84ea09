"""Who takes part: buyers, staff, their banks, Stripe's courier, the workers."""
