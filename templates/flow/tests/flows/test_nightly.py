"""The nightly flow, with rows of the test in the place of those it would read."""

ORDERS = [
    {"day": "2026-03-02", "product": "espresso", "quantity": "2", "price": "2.40"},
    {"day": "2026-03-02", "product": "chai", "quantity": "1", "price": "3.80"},
    {"day": "2026-03-03", "product": "chai", "quantity": "1", "price": "3.80"},
]


def test_revenue_is_added_up_by_day(run_flow):
    done = run_flow("nightly", stub={"read_orders": ORDERS, "write_report": 2})
    assert done.succeeded, done.failed
    assert done.results["revenue_by_day"] == {"2026-03-02": 8.6, "2026-03-03": 3.8}


def test_a_file_that_is_not_there_fails_the_flow(run_flow):
    done = run_flow("nightly", parameters={"orders": "data/nowhere.csv"}, stub={"write_report": 0})
    assert done.failed == ["read_orders"]
