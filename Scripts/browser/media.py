"""Tests of the dashboard: the user's media preferences, and print."""

from __future__ import annotations

from place import SETTLED, Place, test

# Running animations, of elements and of their pseudo-elements.
MOVING = """
return [...document.querySelectorAll('*')].flatMap(e => [null, '::before', '::after', '::backdrop'].map(part => {
  const s = getComputedStyle(e, part);
  const moves = s.transitionDuration.split(',').some(t => parseFloat(t) > 0) || s.animationName !== 'none'
    || s.scrollBehavior === 'smooth' || e.matches('animate, animateTransform, animateMotion, set, marquee');
  return moves ? e.tagName + (part ?? '') : null;
})).filter(Boolean)
"""

# Pins the best member, and counts the animations that this starts.
PIN = """
document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'b', bubbles: true}));
return [document.querySelectorAll('svg .lit').length, document.getAnimations().length]
"""


@test
def who_wants_little_motion_sees_none(place: Place) -> None:
    for name, path in place.pages().items():
        browser = place.open(path)
        browser.media(still=True)
        browser.until(SETTLED)
        moving = browser.js(MOVING)
        assert not moving, f"{name}: {moving[:5]}"
    for still in (False, True):
        place.open(place.paths["running"])
        browser.media(still=still)
        browser.until(SETTLED)
        lit, moving = browser.js(PIN)
        assert lit > 0, "nothing is pinned"
        # Otherwise this test could not detect animations.
        assert (moving == 0) is still, f"{moving} things move, and little motion is asked for: {still}"


CONTROLS = "header nav, header button, .control, .options, .filter, #link, .skip, footer, .path, main button"

# Visible charts, table rows and tiles, and anything that is clipped.
CONTENT = """
const seen = s => [...document.querySelectorAll(s)].filter(e => e.checkVisibility()).length;
const cut = [...document.querySelectorAll('main *')].filter(e => getComputedStyle(e).overflow !== 'visible'
  && e.tagName !== 'svg' && !e.closest('svg, .unseen, .options, .filter')
  && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)).map(e => e.outerHTML.slice(0, 100));
return [['svg', 'tr', '.tile', '.banner', 'h1', 'h2', 'pre'].map(seen), cut]
"""

# The luminance, 0 to 1, of backgrounds and text: of the page, of a card and of charts. Text on a color is background.
COLORS = """
const light = text => text.match(/[0-9.]+/g).slice(0, 3).reduce((sum, n) => sum + +n, 0) / 765;
const of = (s, what) => [...document.querySelectorAll(s)].map(e => getComputedStyle(e)[what])
  .filter(c => c && c !== 'none' && !c.endsWith(', 0)')).map(light);
return [of('html, body, .card, .tile, .banner, pre, code', 'backgroundColor'),
  of('body, main, .card, .tile dd, .tile dt, td, th, a', 'color').concat(
    of('svg text:not([fill="var(--surface)"])', 'fill'))]
"""


@test
def on_paper_all_is_there_and_light_and_nothing_to_press(place: Place) -> None:
    for name, path in place.pages().items():
        browser = place.open(path)
        browser.until(SETTLED)
        # Collapsed sections are expanded in print, where nobody could open them.
        browser.js("document.querySelectorAll('main details:not(#choice)').forEach(e => e.open = true)")
        on_screen = browser.js(CONTENT)[0]
        browser.js("document.querySelectorAll('main details:not(#choice)').forEach(e => e.open = false)")
        for theme in ("auto", "dark"):
            browser.js("document.documentElement.dataset.theme = arguments[0]", theme)
            # A4 less its margins.
            browser.size(718)
            browser.media(dark=True, printed=True)
            on_paper, cut = browser.js(CONTENT)
            assert on_paper == on_screen, f"{name}: {on_paper} of {on_screen} are on paper"
            assert not cut, f"{name}: cut off: {cut[:3]}"
            pressed = browser.js(
                "return [...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility())"
                ".map(e => e.outerHTML.slice(0, 100))", CONTROLS)  # fmt: skip
            assert not pressed, f"{name}: on paper nobody presses {pressed[:3]}"
            paper, ink = browser.js(COLORS)
            assert min(paper) > 0.9 and max(ink) < 0.6, f"{name} ({theme}): paper {min(paper)}, ink {max(ink)}"
            # Pictures are as they were drawn for the window; six points can be read.
            place.fits(name, 718, label=7.9)
            browser.media()
            browser.size(1400)
