"""The nightly flow as a whole, on the sample data, in a database that goes when the test ends."""


def test_the_night_is_green_and_each_day_is_there(run_flow):
    done = run_flow("nightly")
    assert done.succeeded, done.failed
    days = done.table("marts.daily_sales")
    assert len(days) == 14
    assert sum(day["orders"] for day in days) == 142
