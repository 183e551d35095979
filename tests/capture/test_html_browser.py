# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of --format html in Chromium: with a mouse, with keys, on a phone, on paper, without its script."""

import json
import os
import subprocess
import sys

import pytest

from chromium import Chromium
from conftest import ROOT
from test_html import HOSTILE, IMPACTS, connections_of_the_renewal, log  # pylint: disable=unused-import

ROW = "#list > details"

# The contrast of each text with what is behind it, and of each part of a picture: [[ratio, least, what], ...]
CONTRASTS = """((normal, large, picture) => {
  const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] === 1) return color;
      if (color[3] !== 0) throw Error('half transparent: ' + at.outerHTML.slice(0, 80));
    }
    return matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18] : [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest('script, option')) continue;
    const style = getComputedStyle(element), size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? large : normal;
    found.push([ratio(parse(style.color), behind(element)), least, walker.currentNode.data.trim().slice(0, 40)]);
  }
  for (const part of document.querySelectorAll('svg path, svg rect'))
    if (part.checkVisibility())
      found.push([ratio(parse(getComputedStyle(part).fill), behind(part.closest('svg'))), picture, part.className.baseVal]);
  return found;
})(4.5, 3, 3)"""       # WCAG 2.2, 1.4.3 and 1.4.11


@pytest.fixture(name="browser", scope="module")
def chromium():
    browser = Chromium()
    try:
        yield browser
    finally:
        browser.close()


def written(host, name, records):
    """The page of a log with these records, in a file."""
    path = host.work / f"{name}.html"
    host.run(host.scan, "--quiet", "--format", "html", "--output", path, "--from-log",
             log(host, f"{name}.ndjson", records), check=False)
    return path


def verdicts(renewal):
    """Twelve endpoints: 4 failing, 3 at risk, 2 undetermined, 2 tolerant, 1 unaffected; endpoint N was last seen in hour N."""
    reasons = dict(zip(IMPACTS, ("rejected_certificate", "eku_unrestricted", "encrypted",
                                 "accepted_without_client_auth_eku", "no_certificate_request")))
    numbers = iter(range(12))
    for impact, count in zip(IMPACTS, (4, 3, 2, 2, 1)):
        for number in (next(numbers) for _ in range(count)):
            time = f"2026-11-23T{number:02}:00:00.000000000Z"
            for port in range(1 + (number == 7)):
                yield renewal[0] | {"server_ip": f"198.51.100.{100 + number}", "sni": f"sbc{number}.example", "start": time,
                                    "end": time, "impact": impact, "reason": reasons[impact], "client_port": 1000 + port}


@pytest.fixture(name="path", scope="module")
def page_of_twelve(host, renewal):
    return written(host, "twelve", list(verdicts(renewal)))


@pytest.fixture(name="open_page")
def open_pages(browser, path):
    opened = []

    def open_page(file=path, **options):
        opened.append(browser.page(file, **options))
        return opened[-1]

    yield open_page
    for each in opened:
        each.close()


def shown_names(page):
    return page.run(f"""[...document.querySelectorAll('{ROW}')].filter(row => !row.hidden)
                        .map(row => row.querySelector('bdi').textContent)""")


def endpoints(*numbers):
    return [f"198.51.100.{100 + number}:5061" for number in numbers]


def focused(page):
    return page.run("document.activeElement.id || document.activeElement.textContent.slice(0, 40)")


def tab_to(page, expression):
    """Presses Tab until the expression is true of the element that has the focus."""
    for _ in range(200):
        page.press("Tab")
        if page.run(f"(element => {expression})(document.activeElement)"):
            return
    raise AssertionError(f"no Tab leads to {expression}")


# ---- with its script -------------------------------------------------------------------------------

def test_it_fetches_nothing_and_breaks_no_policy(open_page):
    page = open_page()
    assert page.run("!document.getElementById('controls').hidden") and page.run("shown.value") == "12 of 12 shown"
    assert page.requests == [page.url] and page.problems == []


def test_policy_stops_what_would_be_injected(open_page):
    page = open_page()
    page.run("""(() => {
      document.body.insertAdjacentHTML('beforeend', '<img src="x.png" onerror="window.hit = 1"><b id="s" style="color: red">');
      const script = document.createElement('script'), style = document.createElement('style');
      script.textContent = 'window.hit = 1';
      style.textContent = 'h1 { display: none }';
      document.body.append(script, style);
    })()""")
    assert page.run("[window.hit === undefined, document.querySelector('h1').checkVisibility(), "
                    "getComputedStyle(s).color === getComputedStyle(document.body).color]") == [True, True, True]
    assert page.wait_for("Network.loadingFailed")["blockedReason"] == "csp"
    assert len(page.problems) >= 3


@pytest.mark.parametrize("words, numbers", (("sbc7.example", (7,)), ("100.11 FAILING", ()), ("encrypted", (7, 8)),
                                            ("198.51.100.10 certificate", tuple(range(10))), ("zzz", ())))
def test_search(open_page, words, numbers):
    page = open_page()
    tab_to(page, "element.id === 'search'")
    page.type(words)
    assert shown_names(page) == endpoints(*numbers)
    assert page.run("shown.value") == f"{len(numbers)} of 12 shown"


def test_filter_by_impact_with_keys(open_page):
    page = open_page()
    for impact in IMPACTS[:2]:
        tab_to(page, f"element.value === '{impact}'")
        page.press(" ")
    assert shown_names(page) == endpoints(7, 8, 9, 10, 11)
    page.press(" ")
    assert shown_names(page) == endpoints(4, 5, 6, 7, 8, 9, 10, 11)


@pytest.mark.parametrize("key, numbers", (("last", range(11, -1, -1)), ("name", range(12)), ("", range(12)),
                                          ("n", (7, *range(7), *range(8, 12)))))
def test_sort(open_page, key, numbers):
    page = open_page()
    page.run("sort.value = 'asked', sort.dispatchEvent(new Event('input', {bubbles: true}))")
    page.run(f"sort.value = '{key}', sort.dispatchEvent(new Event('input', {{bubbles: true}}))")
    assert shown_names(page) == endpoints(*numbers)


def test_sort_with_keys(open_page):
    page = open_page()
    tab_to(page, "element.id === 'sort'")
    page.type("n")          # the first choice that begins so
    assert page.run("sort.value") == "name" and shown_names(page) == endpoints(*range(12))


def test_link_opens_its_row_though_it_is_filtered(open_page):
    page = open_page()
    page.run("search.value = 'zzz', search.dispatchEvent(new Event('input', {bubbles: true}))")
    tab_to(page, "element.hash === '#r4'")
    page.press("Enter")
    page.run("new Promise(done => { const look = () => document.querySelector('#r4').closest('details').open ? done()"
             " : setTimeout(look, 20); look(); })")
    assert page.run("document.querySelector('#r4').checkVisibility()")
    assert focused(page).startswith("at risk 198.51.100.104:5061")


def test_row_opens_with_keys(open_page):
    page = open_page()
    tab_to(page, "element.matches('summary') && element.textContent.includes('sbc2')")
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.press("Enter")
    assert page.run("document.activeElement.parentElement.open")
    tab_to(page, "element.matches('pre button')")
    page.press("Enter")
    command = page.run("document.activeElement.previousSibling.textContent")
    assert command.startswith("tshark -r captures/") or command.startswith("tshark -r /")
    said = page.run("""new Promise(done => { const button = document.activeElement, look = () =>
        button.textContent === 'Copy' ? setTimeout(look, 20) : done([button.textContent, String(getSelection())]); look(); })""")
    assert said[0] == "Copied" or said == ["Selected", command]


# ---- without ---------------------------------------------------------------------------------------

def test_it_can_be_read_without_its_script(open_page):
    page = open_page(script=False)
    assert not page.run("document.querySelector('#controls').checkVisibility()")
    assert not page.run("document.querySelector('#r3').checkVisibility()")
    tab_to(page, "element.matches('summary') && element.textContent.includes('sbc3')")
    page.press("Enter")
    assert page.run("document.querySelector('#r3').checkVisibility()")
    assert "tshark -r" in page.run("document.querySelector('#r3 pre').innerText")
    assert page.problems == [] and page.requests == [page.url]


def test_link_opens_its_row_without_its_script(open_page):
    assert open_page(script=False, fragment="#r5").run("document.querySelector('#r5').checkVisibility()")


# ---- on a phone, on paper --------------------------------------------------------------------------

@pytest.fixture(name="hostile", scope="module")
def hostile_page(host, renewal):
    """Long words, wide writings, and markup in every place."""
    records = []
    for number, text in enumerate((*HOSTILE, "W" * 300, "漢字" * 80, "דוגמה" * 30)):
        record = json.loads(json.dumps(renewal[1])) | {"sni": text, "file": "long"}
        record["client_leaf"] |= {"subject": f"CN={text}", "issuer": f"CN={text}", "sha256": f"{number:064}", "san": [text]}
        records.append(record)
    return written(host, "wide", records)


@pytest.mark.parametrize("width", (320, 390, 1280))
def test_nothing_is_wider_than_the_screen(open_page, path, hostile, width):
    for file in (path, hostile):
        page = open_page(file, width=width)
        page.run(f"document.querySelectorAll('{ROW}').forEach(row => row.open = true)")
        assert page.run("document.documentElement.scrollWidth") <= width
        assert page.problems == [] and page.run("window.hit === undefined")


def test_first_screen_answers(open_page):
    """What is seen without scrolling: how many are how bad, what to do first."""
    page = open_page(width=390, height=844)
    for selector in (".bar", ".counts li:last-child", "#do", "#do + ol > li"):
        assert page.run(f"document.querySelector('{selector}').getBoundingClientRect().bottom") <= 844, selector


def test_paper_has_the_details(open_page):
    for script in (True, False):
        page = open_page(script=script)
        assert not page.run("document.querySelector('#r3').checkVisibility()")
        page.media("print")
        assert page.run("document.querySelector('#r3').checkVisibility()")
        assert not page.run("['nav', '#controls'].some(each => document.querySelector(each).checkVisibility())")
        assert page.pdf().startswith(b"%PDF-")
        page.media()
        assert page.run(f"document.querySelectorAll('{ROW}[open]').length") == 0


# ---- for everybody ---------------------------------------------------------------------------------

@pytest.mark.parametrize("dark", (False, True))
def test_contrast(open_page, dark):
    page = open_page(dark=dark)
    page.run(f"document.querySelectorAll('{ROW}').forEach(row => row.open = true)")
    page.drawn()
    found = page.run(CONTRASTS)
    assert len(found) > 200 and {"failing", "at_risk"} <= {what for _, _, what in found}
    assert [each for each in found if each[0] < each[1]] == []


def test_controls_and_pictures_have_names(open_page):
    page = open_page()
    page.run(f"document.querySelector('{ROW}').open = true")
    page.drawn()
    nodes = [node for node in page.send("Accessibility.getFullAXTree")["nodes"] if not node.get("ignored")]
    names = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes]
    for role, least in (("searchbox", 1), ("combobox", 1), ("checkbox", 5), ("link", 12), ("image", 1), ("button", 1),
                        ("DisclosureTriangle", 12)):
        named = [name for each, name in names if each == role]
        assert len(named) >= least and all(named), role
    assert page.run("document.documentElement.lang") == "en" and page.run("document.title")
    levels = page.run("[...document.querySelectorAll('h1, h2, h3')].map(each => Number(each.tagName[1]))")
    assert levels[0] == 1 and all(after <= before + 1 for before, after in zip(levels, levels[1:]))


def test_targets_are_large_enough(open_page):
    """WCAG 2.2, 2.5.8: 24 pixels, but for links in sentences."""
    page = open_page(width=390)
    small = page.run("""[...document.querySelectorAll('#controls label, #controls input[type=search], #controls select, summary')]
        .filter(each => each.getBoundingClientRect().height < 24).map(each => each.outerHTML.slice(0, 80))""")
    assert small == []


# ---- pictures ------------------------------------------------------------------------------------

def test_pictures_of_the_readme_can_be_made_anew(host):
    folder = host.work / "pictures"
    folder.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(host.home), "LC_ALL": "C.UTF-8", "TZ": "UTC",
                   "ASAN_OPTIONS": "detect_leaks=0"}
    subprocess.run([sys.executable, "-B", ROOT / "doc/pictures", host.scan, folder], env=environment, check=True)
    for name in ("report.png", "evidence.png"):
        made, kept = (folder / name).read_bytes(), (ROOT / "doc" / name).read_bytes()
        assert made[:24] == kept[:24]       # PNG, of the same width and height
        assert len(kept) < 150000 and f"doc/{name}" in (ROOT / "README.md").read_text()


# ---- many ------------------------------------------------------------------------------------------

def test_five_thousand_endpoints(host, open_page, renewal):
    records = [renewal[number % 2] | {"server_ip": f"10.{number // 250}.{number % 250}.1", "sni": f"sbc{number}.example"}
               for number in range(5000)]
    file = written(host, "many", records)
    assert file.stat().st_size < 20000000
    page = open_page(file)
    tab_to(page, "element.id === 'search'")
    page.type("sbc499")
    assert page.run("shown.value") == "11 of 5000 shown"
    page.run("sort.value = 'name', sort.dispatchEvent(new Event('input', {bubbles: true}))")
    assert shown_names(page)[0] == "10.1.249.1:5061" and page.problems == []
