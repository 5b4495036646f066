"""What people do with the page: start, watch, understand, mend, cancel, change, follow, share."""

from __future__ import annotations

import re
import time
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import tab
from tests.browser.site import Site

ODD = "odd <script>alert(5)</script>"


def run_now(page: Page, site: Site, flow: str, **values: str) -> str:
    """Start a run from the flow's page; returns its id."""
    page.goto(f"{site.url}/flows/{quote(flow, safe='')}")
    button = page.get_by_role("button", name="Run now")
    button.click(timeout=120_000)  # a service that has just begun reads its project first
    form = page.get_by_role("dialog")
    for label, value in values.items():
        form.get_by_label(re.compile(f"^{label}")).fill(value)
    form.get_by_role("button", name="Run now").click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f]{16}"))
    return re.findall(r"/runs/([0-9a-f]{16})", page.url)[0]


def state(page: Page, word: str) -> None:
    """Wait until the run, or task, that is shown has a state."""
    expect(page.get_by_role("heading", level=1)).to_contain_text(word, timeout=60_000)


def test_a_run_is_started_and_watched_live(site: Site, page: Page) -> None:
    run = run_now(page, site, "slow", lines="20")
    expect(page.get_by_role("status").get_by_text("Live")).to_be_visible(timeout=60_000)
    page.get_by_role("tab", name="Log").click()
    expect(page.get_by_text("line 3", exact=False).first).to_be_visible(timeout=60_000)
    state(page, "Success")  # nobody asked for the page again
    assert site.get(f"/runs/{run}")["state"] == "Success"


def test_a_failure_is_shown_with_its_sql(site: Site, page: Page) -> None:
    run_now(page, site, "broken")
    state(page, "Failed")
    page.get_by_role("tab", name="Tasks").click()
    page.get_by_role("link", name="first").first.click()
    expect(page.get_by_role("figure", name="What failed")).to_be_visible()
    sql = page.get_by_role("figure", name="Compiled SQL")
    expect(sql.locator("[data-failing]")).to_contain_text("nope")
    expect(page.get_by_text("broken/first.sql:5").first).to_be_visible()


def test_what_failed_is_mended_and_retried(site: Site, page: Page) -> None:
    (site.folder / "mended").unlink(missing_ok=True)
    first = run_now(page, site, "mended")
    state(page, "Failed")
    (site.folder / "mended").touch()
    page.get_by_role("button", name=re.compile("^Retry")).click()
    dialog = page.get_by_role("dialog")
    if dialog.count():
        dialog.get_by_role("button", name=re.compile("^Retry")).click()
    page.wait_for_url(lambda url: "/runs/" in url and first not in url)
    state(page, "Success")
    again = re.findall(r"/runs/([0-9a-f]{16})", page.url)[0]
    assert site.get(f"/runs/{again}")["retry_of"] == first
    tasks = {task["name"]: task for task in site.get(f"/runs/{again}")["tasks"]}
    assert tasks["publish"]["state"] == "Success"
    assert "fetch" not in tasks, "what succeeded does not run again"


def test_a_run_is_cancelled(site: Site, page: Page) -> None:
    run = run_now(page, site, "slow", lines="500")
    expect(page.get_by_role("status").get_by_text("Live")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name=re.compile("^Cancel")).click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("^Cancel")).last.click()
    state(page, "Cancelled")
    assert site.get(f"/runs/{run}")["state"] == "Cancelled"


def test_why_a_run_has_not_begun_is_said(site: Site, page: Page) -> None:
    run = site.post(
        "/runs", {"flow": "report", "parameters": {"customer": "ada"}, "labels": ["gpu"]}
    )
    page.goto(f"{site.url}/runs/{run['run_id']}")
    expect(page.get_by_text("no agent has its labels gpu")).to_be_visible()
    site.post(f"/runs/{run['run_id']}/cancel", {})
    state(page, "Cancelled")
    expect(page.get_by_text("This run was never planned")).to_be_visible()
    expect(page.get_by_text("no agent has its labels gpu")).to_have_count(0)


def test_what_waits_for_a_word_is_let_go_on(site: Site, page: Page) -> None:
    (site.folder / "looked").unlink(missing_ok=True)
    run = run_now(page, site, "careful")
    waiting = page.get_by_role("region", name="Waits for somebody's word")
    expect(waiting).to_contain_text("look at the numbers", timeout=60_000)
    waiting.get_by_role("button", name="Resume").click()
    expect(waiting.get_by_role("button", name="Approve")).to_be_visible(timeout=60_000)
    waiting.get_by_role("link", name="publish").click()
    state(page, "Paused")
    page.get_by_role("button", name="Approve").click()
    state(page, "Success")
    page.goto(f"{site.url}/runs/{run}")
    state(page, "Success")
    asked = [each["action"] for each in site.get(f"/runs/{run}")["requests"]]
    assert asked == ["resume", "approve"]


def test_a_schedule_is_changed(site: Site, browser: Browser) -> None:
    with tab(browser, quiet=True) as page:  # the server refuses nonsense
        change_a_schedule(site, page)


def change_a_schedule(site: Site, page: Page) -> None:
    """Type nonsense, then something good, and save it."""
    page.goto(f"{site.url}/flows/nightly")
    page.get_by_role("button", name="Change schedules").click()
    page.get_by_label("Cron expression").fill("nonsense")
    expect(page.get_by_role("button", name="Save schedules")).to_be_disabled()
    page.get_by_label("Cron expression").fill("15 4 * * 1-5")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    expect(page.get_by_text("04:15").first).to_be_visible()
    expect(page.get_by_role("button", name="Save schedules")).to_be_enabled()
    page.get_by_role("button", name="Save schedules").click()
    expect(page.get_by_text("15 4 * * 1-5").first).to_be_visible()
    listed = [each for each in site.get("/schedules")["schedules"] if each["flow"] == "nightly"]
    assert ["15 4 * * 1-5" in each["schedule"] for each in listed] == [True]


@pytest.mark.slow
def test_what_is_not_in_service_yet_is_marked(own_site: Site, page: Page) -> None:
    settings = own_site.folder / "orchestrator.toml"
    settings.write_text(
        settings.read_text().replace('"shop.duckdb"', f'"{own_site.folder}/shop.duckdb"')
    )
    own_site.command("deploy", "slow")
    own_site.command("deploy", "mended", "--in-place")
    file = own_site.folder / "flows" / "slow.py"
    file.write_text(file.read_text().replace("default=15", "default=16"))
    page.goto(f"{own_site.url}/flows")
    expect(page.get_by_role("row", name=re.compile("^slow"))).to_contain_text("not in service yet")
    expect(page.get_by_role("row", name=re.compile("^mended"))).not_to_contain_text("not in")
    page.goto(f"{own_site.url}/flows/slow")
    differs = page.get_by_role("region", name="Not in service yet")
    expect(differs).to_contain_text("flows/slow.py changed")


def test_the_night_that_has_an_hour_twice_is_pointed_out(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/flows/nightly?month=2027-03")
    schedules = page.get_by_role("region", name="Schedules")
    expect(schedules.get_by_text(re.compile("clocks", re.IGNORECASE)).first).to_be_visible()


def test_a_column_is_followed(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/catalogue")
    page.get_by_role("link", name=re.compile("revenue")).first.click()
    page.get_by_role("link", name="total_cents").first.click()
    source = page.get_by_role("region", name="Lineage").get_by_role(
        "group", name=re.compile("raw.orders")
    )
    expect(source.get_by_role("button", name="amount")).to_be_visible()
    page.reload()  # the address says it all
    expect(source.get_by_role("button", name="amount")).to_be_visible()


def test_a_deep_link_opens_where_it_was_made(site: Site, page: Page) -> None:
    run = site.get("/runs", flow="nightly")["runs"][0]["run_id"]
    page.goto(f"{site.url}/runs/{run}")
    page.get_by_role("tab", name="Tasks").click()
    page.get_by_label("Find tasks").fill("rev")
    expect(page.get_by_role("link", name="revenue").first).to_be_visible()
    expect(page).to_have_url(re.compile("rev"))
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    expect(page.get_by_role("tab", name="Tasks")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_label("Find tasks")).to_have_value("rev")


def test_what_is_searched_in_a_flows_graph_is_in_the_address(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/flows/nightly?month=2027-03")
    field = page.get_by_label("Find in the graph")
    field.fill("rev")
    field.press("Enter")
    expect(page).to_have_url(re.compile("month=2027-03.*q=rev.*|q=rev.*month=2027-03"))
    page.reload()
    expect(field).to_have_value("rev")
    expect(page.get_by_role("complementary", name="Selected: revenue")).to_be_visible()


def test_names_are_text_whatever_is_in_them(site: Site, page: Page) -> None:
    run = site.get("/runs", flow=ODD)["runs"][0]
    key = site.get(f"/runs/{run['run_id']}")["tasks"][0]["key"]
    for path in ("/", "/runs", "/flows", f"/flows/{quote(ODD, safe='')}", f"/runs/{run['run_id']}"):
        page.goto(site.url + path)
        found = page.get_by_role("main").locator("a, h1").filter(has_text="alert(5)")
        expect(found.first).to_be_visible()
    page.goto(f"{site.url}/runs/{run['run_id']}/task?key={quote(key, safe='')}")
    for number in (1, 3, 4):
        expect(page.get_by_text(f"alert({number})", exact=False).first).to_be_visible()
    assert page.locator("main script, main b").count() == 0


def test_the_stream_goes_on_where_a_killed_server_left_it(own_site: Site, browser: Browser) -> None:
    with tab(browser, quiet=True) as page:
        run = run_now(page, own_site, "slow", lines="60")
        page.get_by_role("tab", name="Log").click()
        expect(page.get_by_text("line 2", exact=False).first).to_be_visible(timeout=60_000)
        own_site.kill()
        expect(page.get_by_text(re.compile("Reconnecting|Connection lost")).first).to_be_visible()
        time.sleep(1)
        own_site.start()
        expect(page.get_by_text(re.compile("Connection lost"))).to_have_count(0, timeout=60_000)
        heading = page.get_by_role("heading", level=1)
        ended = re.compile("Success|Failed|Crashed|Cancelled|Lost")
        expect(heading).to_contain_text(ended, timeout=120_000)
        known = own_site.get(f"/runs/{run}")["state"]
        expect(heading).to_contain_text(known)
        lines = own_site.get(f"/runs/{run}/logs", limit=5000)["lines"]
        last = [line["text"] for line in lines][-1]
        page.keyboard.press("End")
        assert last


def test_the_keyboard_is_enough(site: Site, page: Page) -> None:
    page.goto(site.url)
    expect(page.get_by_role("main").get_by_role("heading").first).to_be_visible()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Search and act")).to_be_focused()
    page.keyboard.type("report")
    expect(page.get_by_role("option", name=re.compile("report")).first).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/flows/report"))
    button = page.get_by_role("button", name="Run now")
    expect(button).to_be_visible()
    for _ in range(40):
        if button.evaluate("it => it === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    dialog.get_by_label(re.compile("^customer")).focus()
    page.keyboard.type("ada")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/runs/[0-9a-f]{16}"))
    state(page, "Success")


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [("copies", "many", "number"), ("only", "[1,", ""), ("customer", "", "")],
)
def test_what_does_not_fit_is_said_beside_its_field(
    site: Site, page: Page, field: str, value: str, says: str
) -> None:
    page.goto(f"{site.url}/flows/report")
    page.get_by_role("button", name="Run now").click()
    form = page.get_by_role("dialog")
    expect(form).to_contain_text("Whose report it is.")
    if field != "customer":
        form.get_by_label(re.compile("^customer")).fill("ada")
    box = form.get_by_label(re.compile(f"^{field}"))
    if box.get_attribute("type") != "number":
        box.fill(value)
        form.get_by_role("button", name="Run now").click()
        expect(box).to_have_attribute("aria-invalid", "true")
        expect(form).to_contain_text(says)
        expect(page).to_have_url(re.compile("/flows/report"))
