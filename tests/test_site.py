"""The built site, as a reader has it: opened from disk in Chromium, without a network.

`make docs` builds it. Links are checked without a browser; the rest needs Chromium and Playwright.
"""

import html.parser
import os
import pathlib
import re
import shutil
import sys
import urllib.parse

import numpy as np
import pytest
from numpy.testing import assert_allclose

import refsgm

ROOT = pathlib.Path(__file__).parent.parent
SITE = ROOT / "docs" / "_build" / "html"
CHROMIUM = shutil.which("chromium")
WEIGHTS = np.array([0.6, 0.3, 0.1])
MEANS = np.array([[-2.2, -0.9], [2.2, -1.1], [0.4, 2.1]])

sys.path.append(str(ROOT / "docs" / "_ext"))

import sources  # noqa: E402, needs the path

pytestmark = [pytest.mark.site,
              pytest.mark.skipif(not (SITE / "index.html").exists(),
                                 reason="the site is not built: make docs")]
FILES = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html")
               if "_static" not in path.parts)
LAST = "derivation.html"                           # so that what follows finds it open
PAGES = sorted((name for name in FILES if not name.startswith("_modules/")), key=LAST.__eq__)
TAGS = list(sources.blocks())


# Most tags: formulas, coloured code, and what has no attributes.
DRAWN = re.compile(r'(?s)<mjx-container.*?</mjx-container>|<span class="[^"]*">|'
                   r'</?(?:span|li|div|ul|dl|dd|dt|p|code|em|strong|tr|td|th)>')


class Links(html.parser.HTMLParser):
    """Anchors of a page, what it links to, and what it loads."""

    def __init__(self, text):
        super().__init__()
        self.anchors, self.links, self.loaded = set(), set(), set()
        self.feed(DRAWN.sub("", text))

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors.update(attributes[key] for key in ("id", "name") if attributes.get(key))
        if tag == "a" and attributes.get("href"):
            self.links.add(attributes["href"])
        elif tag == "link" and attributes.get("rel") in ("stylesheet", "icon"):
            self.loaded.add(attributes["href"])
        elif attributes.get("src"):
            self.loaded.add(attributes["src"])


@pytest.fixture(scope="module")
def parsed():
    return {name: Links((SITE / name).read_text()) for name in FILES}


def test_every_internal_link_leads_somewhere(parsed):
    broken, leads = [], set()
    for name, page in parsed.items():
        for link in page.links | page.loaded:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme:
                continue
            path = urllib.parse.unquote(parts.path)
            target = os.path.normpath(os.path.join(os.path.dirname(name), path) if path else name)
            anchor = urllib.parse.unquote(parts.fragment)
            if target not in leads and not (SITE / target).is_file():
                broken.append((name, link))
                continue
            leads.add(target)
            if anchor and target.endswith(".html") and anchor not in parsed[target].anchors:
                broken.append((name, link))
    assert broken == []


def test_nothing_is_loaded_from_elsewhere(parsed):
    assert [link for page in parsed.values() for link in page.loaded
            if urllib.parse.urlsplit(link).scheme not in ("", "data")] == []


def test_a_function_is_one_click_from_its_equation_and_back(parsed):
    pages = {name: (SITE / name).read_text() for name in FILES if name.startswith("api/")}
    notes = (SITE / "derivation.html").read_text()
    missing = []
    for tag in TAGS:
        block = notes.split(f'id="{tag.lower()}"')[1].split('class="equation docutils')[0]
        for public, *_ in sources.code(tag):
            if public.rpartition(".")[2].startswith("_"):        # shown, and not in the reference
                continue
            page, = (name for name, text in pages.items() if f'id="{public}"' in text)
            entry = re.split(r'<dt class="sig', pages[page].split(f'id="{public}"')[1])[0]
            if f'href="../derivation.html#{tag.lower()}"' not in entry:
                missing.append((public, tag))
            if f'href="{page}#{public}"' not in block:
                missing.append((tag, public))
    assert missing == []


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=[
            "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--disable-background-networking"])
        yield chromium
        chromium.close()


def opened(browser, width=1440, **options):
    """A context, and an empty page in it; what that complains about is in page.complaints."""
    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True, **options)
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.complaints = []
    page.on("console", lambda message: message.type in ("error", "warning")
            and page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("requestfailed", lambda request: page.complaints.append(request.url))
    return context, page


def go(page, name):
    """Open a page of the site there, and lay out what is out of view."""
    page.goto(name if name == "about:blank" else f"file://{SITE}/{name}")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    return page


@pytest.fixture
def visit(browser):
    """A function that opens a page of the site in a window of its own."""
    contexts = []

    def visit(name, **options):
        context, page = opened(browser, **options)
        contexts.append(context)
        return go(page, name)

    yield visit
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def turn_to(browser):
    """A function that turns to a page of the site in one window, as a reader does, unless it is
    open there: half the work of a window for each."""
    context, page = opened(browser)

    def turn_to(name):
        page.complaints.clear()
        return page if page.url == f"file://{SITE}/{name}" else go(page, name)

    yield turn_to
    context.close()


UNRENDERED = """() => [
    ...[...document.querySelectorAll("article .math")].filter(
        e => !e.querySelector("mjx-container svg")),
    ].map(e => e.outerHTML)"""
PROSE = """() => {
    const article = document.querySelector("article").cloneNode(true);
    article.querySelectorAll("pre, code, script, style, mjx-container").forEach(e => e.remove());
    return article.textContent; }"""
# A group of a picture is as wide as all that is in it.
WIDER = """() => [...document.querySelectorAll("article *:not(svg g *)")].filter(e => {
    let box = e.getBoundingClientRect();
    if (box.right <= innerWidth + 1 || !box.width) return false;
    if (e.closest("defs")) return false;
    for (let a = e.parentElement; !a.matches("article"); a = a.parentElement)
        if (["auto", "scroll"].includes(getComputedStyle(a).overflowX)
            && a.getBoundingClientRect().right <= innerWidth + 1) return false;
    return true; }).slice(0, 5).map(e => e.outerHTML.slice(0, 200))"""

SCROLLS = """() => [...document.querySelectorAll("body, .page, .main, .content")]
    .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.tagName + " " + e.className)"""
SIDEWAYS = f"() => [document.documentElement.scrollWidth, ({WIDER})(), ({SCROLLS})()]"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_readable(turn_to, name):
    """The browser reports no error, all mathematics is rendered, and the page does not scroll
    sideways, on a screen and on a phone: what is wider than a phone scrolls in a box of its own."""
    page = turn_to(name)
    unrendered, prose = page.evaluate(f"() => [({UNRENDERED})(), ({PROSE})()]")
    assert unrendered == []
    assert re.findall(r"\$|\\\(|\\\[|\{tag\}|`", prose) == []
    for width in sorted((1440, 390), key=lambda width: width != page.viewport_size["width"]):
        page.set_viewport_size({"width": width, "height": 844})
        across, wider, scrolls = page.evaluate(SIDEWAYS)
        assert across <= width
        assert wider == scrolls == []
    assert page.complaints == []


OVERLAPS = """() => {
    const found = [];
    const blocks = parent => [...parent.children].filter(e => e.getClientRects().length
        && !["inline", "none"].includes(getComputedStyle(e).display));
    for (const parent of document.querySelectorAll(
            "article section, .words, .beside, .code, .number, .guards, .equation")) {
        const boxes = blocks(parent).map(e => [e, e.getBoundingClientRect()]);
        for (let i = 0; i < boxes.length; i++) {
            for (let j = i + 1; j < boxes.length; j++) {
                const [e, a] = boxes[i], [f, b] = boxes[j];
                if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
                    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1)
                    found.push([e.outerHTML.slice(0, 100), f.outerHTML.slice(0, 100)]);
            }
        }
    }
    return found; }"""
SPILLS = """() => [...document.querySelectorAll(".words, .beside")].filter(e =>
    e.scrollWidth > e.clientWidth + 1).map(e => e.outerHTML.slice(0, 200))"""


def test_every_equation_has_its_code_its_number_and_its_tests_beside_it(turn_to):
    """The two columns are side by side on a screen and one under the other on a phone, and nothing
    overlaps."""
    page = turn_to("derivation.html")
    page.set_viewport_size({"width": 1440, "height": 900})
    shown = page.evaluate("""() => {
        const texts = (e, where) => [...e.querySelectorAll(where)].map(p => p.textContent.trim());
        return Object.fromEntries([...document.querySelectorAll(".equation")].map(e => [e.id, {
            code: texts(e, ".code pre"), number: texts(e, ".number pre"),
            tests: texts(e, ".test pre")}])); }""")
    assert set(shown) == {tag.lower() for tag in TAGS}
    for tag in TAGS:
        assert shown[tag.lower()] == {"code": [source for *_, source in sources.code(tag)],
                                      "number": [sources.number(tag)[0]],
                                      "tests": [source for *_, source in sources.tests(tag)]}
    sides = """() => [...document.querySelectorAll(".equation")].map(e => {
        const [a, b] = [...e.children].map(c => c.getBoundingClientRect());
        return [b.left >= a.right, b.top >= a.bottom]; })"""
    assert all(beside and not under for beside, under in page.evaluate(sides))
    assert page.evaluate(OVERLAPS) == []
    assert page.evaluate(SPILLS) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert all(under and not beside for beside, under in page.evaluate(sides))
    assert page.evaluate(OVERLAPS) == []


CUT_OFF = """() => [...document.querySelectorAll(".beside pre")]
    .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent.slice(0, 200))"""
FAINT = """() => {
    const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
    const linear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const once = (f, known = new Map()) => x => {
        if (!known.has(x)) known.set(x, f(x));
        return known.get(x); };
    const luminance = once(colour => [0.2126, 0.7152, 0.0722].reduce(
        (sum, weight, i) => sum + weight * linear(numbers(colour)[i] / 255), 0));
    const clear = once(colour => numbers(colour)[3] === 0);
    const behind = once(e => {
        const colour = getComputedStyle(e).backgroundColor;
        return clear(colour) ? behind(e.parentElement) : colour; });
    const found = {};
    for (const e of document.querySelectorAll(".beside :not(svg, svg *)")) {
        if (![...e.childNodes].some(n => n.nodeType === Node.TEXT_NODE && n.data.trim())) continue;
        const colours = [getComputedStyle(e).color, behind(e)];
        const [a, b] = colours.map(luminance).sort((a, b) => b - a);
        if ((a + 0.05) / (b + 0.05) < 4.5) found[`${e.className}: ${colours.join(" on ")}`] = 1;
    }
    return Object.keys(found); }"""


def test_what_is_beside_an_equation_is_not_cut_off_and_not_faint(turn_to):
    """At three widths no line of code, number or test is wider than its box, tests unfolded; and in
    both themes every letter has a contrast of at least 4.5 to what is behind it.

    What it is beside is taken out: its column keeps its width, and its formulas are not laid out
    five times."""
    page = turn_to("derivation.html")
    page.evaluate("""() => {
        document.querySelectorAll(".words").forEach(e => e.replaceChildren());
        document.querySelectorAll("details").forEach(e => { e.open = true; }); }""")
    for width in (1440, 1680, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(CUT_OFF) == []
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(FAINT) == []
    page.goto("about:blank")                                 # nobody is to find it so


def test_mathematics_is_there_before_any_program_runs(visit):
    """Every formula is a picture in the page itself, also without JavaScript; and the browser has
    the derivation ready after less than two seconds of its processor's time, however busy the
    machine is; and a link to an equation leads to it."""
    page = visit("about:blank")
    formulas, pictures = page.evaluate("""text => {
        const page = new DOMParser().parseFromString(text, "text/html");
        return ["", " > mjx-container > svg"].map(
            inside => page.querySelectorAll(`article .math${inside}`).length); }""",
                                       (SITE / "derivation.html").read_text())
    assert pictures == formulas > 900
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(f"file://{SITE}/derivation.html")
    page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    metrics = session.send("Performance.getMetrics")["metrics"]
    spent, = (metric["value"] for metric in metrics if metric["name"] == "TaskDuration")
    assert 0 < spent < 2
    for tag in ("dsm-1", "sde-3"):
        page.evaluate("tag => { location.hash = tag; }", tag)
        page.wait_for_function("""tag => {
            const {top} = document.getElementById(tag).getBoundingClientRect();
            return top > 0 && top < 100; }""", arg=tag)


def shown_scores(page):
    """The three points of the figure, the score that it has for them, and its sigma."""
    rows = page.evaluate("""() => [...document.querySelectorAll(".annealing tr[data-x]")].map(r =>
        [r.dataset.x, r.dataset.y, ...[r.cells[1], r.cells[2]].map(c => c.dataset.value)])""")
    table = np.array(rows, float)
    shown = page.locator(".annealing tr[data-x] td").all_text_contents()
    assert shown == [f"{value:.3f}" for value in table[:, 2:].ravel()]
    return table[:, :2], table[:, 2:], float(page.get_attribute(".annealing", "data-sigma"))


@pytest.fixture(scope="module")
def still(browser):
    """The page of the figure on a fine screen, for a reader who wants less motion."""
    context, page = opened(browser, device_scale_factor=2, reduced_motion="reduce")
    yield go(page, "annealing.html")
    context.close()


def test_the_figure_shows_the_score_of_the_mixture(still):
    """The table shows the exact score at three points, from one end of the slider to the other.
    [MIX-2]"""
    page = still
    seen = set()
    for place in (0, 75, 150, 225, 300):
        page.locator(".annealing input").fill(str(place))
        x, score, sigma = shown_scores(page)
        assert_allclose(score, refsgm.mixture_score(x, WEIGHTS, MEANS, sigma), atol=1e-6)
        seen.add(sigma)
    assert len(x) == 3
    assert (max(seen), min(seen), len(seen)) == (4.0, pytest.approx(0.2), 5)


def test_the_figure_follows_the_keyboard(still):
    page = still
    page.locator(".annealing input").focus()
    page.keyboard.press("End")
    assert shown_scores(page)[2] == pytest.approx(0.2)
    page.keyboard.press("ArrowLeft")
    assert 0.2 < shown_scores(page)[2] < 0.21


def test_the_figure_moves_until_it_is_paused_or_out_of_view(visit):
    page = visit("annealing.html")
    steps = "+document.querySelector('.annealing').dataset.steps"
    page.wait_for_function(f"{steps} > 3")
    page.get_by_role("button", name="Pause").click()
    before = page.evaluate(steps)
    page.wait_for_timeout(300)
    assert page.evaluate(steps) - before <= 1
    page.get_by_role("button", name="Go on").click()
    page.wait_for_function(f"{steps} > {before + 3}")
    page.set_viewport_size({"width": 390, "height": 300})
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    page.wait_for_function("document.querySelector('.annealing').dataset.moving === 'false'")


def test_annealing_in_the_figure_finds_the_weights(still):
    """Annealing ends with the weights of the data, and starting at small sigma does not. For a
    reader who wants less motion both buttons show the end at once. [LANG-2] [FISHER-1]"""
    page = still
    assert page.get_attribute(".annealing", "data-moving") == "false"
    steps = "+document.querySelector('.annealing').dataset.steps"
    before = page.evaluate(steps)
    shares = "[...document.querySelectorAll('.share')].map(e => parseFloat(e.textContent) / 100)"
    page.get_by_role("button", name="Anneal").click()
    assert_allclose(page.evaluate(shares), WEIGHTS, atol=0.12)       # 500 particles: five errors
    page.get_by_role("button", name="Start at small sigma").click()
    assert page.evaluate(shares)[2] > 0.15
    assert page.evaluate(steps) - before > 300


def test_the_figure_is_sharp_and_follows_the_theme(still):
    page = still
    canvas = "document.querySelector('.annealing canvas')"
    assert page.evaluate(f"{canvas}.width") == 2 * page.evaluate(f"{canvas}.clientWidth")
    light = page.evaluate(f"{canvas}.toDataURL()")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"was => {canvas}.toDataURL() !== was", arg=light)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(map(int, re.findall(r"\d+", background)[:3])) < 60
