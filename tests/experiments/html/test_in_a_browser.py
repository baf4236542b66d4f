"""The page in a real browser: how it fits, what it does, and that it asks nobody for anything."""

import shutil

import pytest
from planted_runs import run_of

from experiments.html.page import write_page

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run")
OPTIONS += ("--disable-background-networking", "--disable-component-update", "--disable-sync")
OPTIONS += ("--disable-dev-shm-usage",)  # containers have little of it
PHONE, TABLET, WIDE = 360, 820, 1600


@pytest.fixture(scope="module")
def browser():
    """Chromium, which Debian calls so."""
    if CHROMIUM is None:
        pytest.skip("install chromium (apt-get install chromium) to run this test")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        yield opened
        opened.close()


@pytest.fixture
def opened(browser, place):
    """Opens the page at a width; what it complained of and asked for is checked when the test ends."""
    target = write_page(place / "results", place / "runs", place / "results" / "report.html")
    complaints, requests, contexts = [], [], []

    def open_at(width, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        contexts.append(context)
        view = context.new_page()
        view.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        view.on("pageerror", lambda error: complaints.append(str(error)))
        view.on("request", lambda request: requests.append(request.url))
        view.goto(target.as_uri())
        return view

    yield open_at
    for context in contexts:
        context.close()
    assert complaints == []
    assert {one.split("#")[0] for one in requests} <= {target.as_uri(), "data:,", (place / "runs").as_uri()} | {
        one for one in requests if one.startswith((place / "runs").as_uri())
    }


def column(view, table, number):
    cells = f"{table} tbody tr > *:nth-child({number})"
    return view.eval_on_selector_all(cells, "cells => cells.map(one => one.innerText.trim())")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, TABLET, WIDE])
def test_it_fits_and_can_be_read(width, scheme, opened):
    view = opened(width, scheme)
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    assert view.title() == "emocluster: tables and runs"
    # WCAG 2.1, 1.4.3: 4.5 to 1 between text and what lies behind it.
    contrast = """() => {
      const light = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map((one) => one / 255)
        .map((one) => (one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4))
        .reduce((sum, one, at) => sum + one * [0.2126, 0.7152, 0.0722][at], 0);
      const paper = light(getComputedStyle(document.body).backgroundColor);
      return ["body", "a", "small", ".note", "td.failed", "td.done"].map((name) => {
        const ink = light(getComputedStyle(document.querySelector(name)).color);
        return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
      });
    }"""
    assert min(view.evaluate(contrast)) >= 4.5


def test_tables_are_sorted_by_numbers_and_by_keyboard(opened):
    view = opened(WIDE)
    button = view.locator("#planted-full table >> nth=0 >> thead button >> nth=2")
    button.focus()
    view.keyboard.press("Enter")
    values = [float(one.split()[0]) for one in column(view, "#planted-full table:nth-of-type(1)", 3)[:4]]
    assert values == sorted(values)
    head = view.locator("#planted-full table >> nth=0 >> thead th >> nth=2")
    assert head.get_attribute("aria-sort") == "ascending"
    view.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "descending"
    values = [float(one.split()[0]) for one in column(view, "#planted-full table:nth-of-type(1)", 3)[:4]]
    assert values == sorted(values, reverse=True)
    assert "descending" in view.inner_text("#told")


def test_cells_without_a_number_come_last_both_ways(opened):
    view = opened(WIDE)
    button = view.locator("#runs-table thead button", has_text="test")
    for _ in range(2):
        button.click()
        assert column(view, "#runs-table", 10)[0] == "0.6123"
        assert column(view, "#runs-table", 10)[1:] == ["", ""]


def test_what_is_not_defined_sorts_as_no_number(opened):
    view = opened(WIDE)
    values = [".5", "not defined", ".0463", "not rated"]
    table = view.locator("#planted-full table").first
    put = "(table, values) => values.forEach((one, at) => { table.tBodies[0].rows[at].cells[1].textContent = one; })"
    table.evaluate(put, values)
    table.locator("thead button").nth(1).click()
    assert column(view, "#planted-full table", 2)[:4] == [".0463", ".5", "not defined", "not rated"]


def test_runs_are_filtered(opened):
    view = opened(WIDE)
    view.fill('input[data-table="runs-table"]', "FAILED temp_gru")
    shown = view.locator("#runs-table tbody tr:visible")
    assert shown.count() == 1
    assert "00000003" in shown.inner_text()
    view.fill('input[data-table="runs-table"]', "")
    assert view.locator("#runs-table tbody tr:visible").count() == 3


def test_links_lead_somewhere(opened):
    view = opened(PHONE)
    view.click('nav a[href="#runs"]')
    assert view.url.endswith("#runs")
    assert view.evaluate("document.getElementById('runs').getBoundingClientRect().top < innerHeight")
    view.click("#runs-table tbody a >> nth=0")
    assert view.url.endswith("/runs/temp_gru-emodb-arousal-s1-00000001/")
    assert "metrics.json" in view.content()


def test_a_command_is_copied_or_selected(opened):
    view = opened(WIDE)
    clipboard = "{configurable: true, value: {writeText: async (text) => { window.copied = text; }}}"
    view.evaluate(f"Object.defineProperty(navigator, 'clipboard', {clipboard})")
    view.click("#planted-full .copy")
    assert view.evaluate("window.copied") == "python -m experiments.tables planted --scale full"
    view.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    view.click("#runs-table .copy >> nth=0")
    assert view.evaluate("document.activeElement.value") == "python -m experiments.run model=temp_gru seed=1"


def test_five_hundred_runs_open_in_a_second(browser, place):
    for number in range(500):
        run_of(place / "runs", f"temp_gru-emodb-arousal-s{number}-{number:08x}x", number / 500)
    target = write_page(place / "results", place / "runs", place / "results" / "report.html")
    taken = []
    for _ in range(3):  # the best: whatever else the machine does only adds
        view = browser.new_page()
        view.goto(target.as_uri())
        taken.append(view.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
        assert view.locator("#runs-table tbody tr").count() == 503
        view.close()
    # A second where nothing else runs (BENCHMARKS.md); here the suite's other process is at work.
    assert 0 < min(taken) < 2000
