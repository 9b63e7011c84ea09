"""Thousands of orders that wait for their payment, made in SQL."""

NAIVE_ORDERS = """
    INSERT INTO naive_order (stripe_payment_intent_id, user_id, amount, status)
    SELECT 'pi_' || lpad(n::text, 24, '0'), n %% 20000, 5000, 'pending' FROM generate_series(1, %s) n"""
