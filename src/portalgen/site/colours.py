"""The theme's colours: what a site sets is corrected until it can be read, in light and in dark.

A correction moves the lightness in OKLCH (Björn Ottosson, 2020) and keeps the hue. Contrast is that of WCAG 2.2
(1.4.3): every text stands at least 4.5 : 1 against every paper it may stand on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import msgspec

from portalgen.content.problems import Finding
from portalgen.content.records.practice import Colours

ENOUGH = 4.5
DEFAULTS: Mapping[str, str] = {"accent": "#2d5a4a", "notice": "#7a5410", "past_due": "#98401f"}
_NEUTRAL: Mapping[str, Mapping[str, str]] = {
    "light": {"paper": "#faf7f1", "raised": "#fffdf9", "ink": "#27251f", "quiet": "#5c574b", "line": "#ddd5c6"},
    "dark": {"paper": "#1b1c19", "raised": "#242622", "ink": "#ece7dc", "quiet": "#b8b1a2", "line": "#46473f"},
}
_TINT = {"light": 0.955, "dark": 0.300}  # how light a tinted paper is
_TINT_CHROMA = {"accent": 0.014, "notice": 0.032, "past_due": 0.024}  # at most
_TINT_TURN = {"accent": 0.0, "notice": 0.0, "past_due": 0.22}  # radians: a pale red alone reads as pink
_LIFTED = 0.80  # how light a coloured text is in the dark, at least


class Lch(msgspec.Struct, frozen=True):
    """A colour in OKLCH: lightness 0 to 1, chroma, hue in radians."""

    lightness: float
    chroma: float
    hue: float


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else math.pow((channel + 0.055) / 1.055, 2.4)


def _gamma(channel: float) -> float:
    return channel * 12.92 if channel <= 0.0031308 else 1.055 * math.pow(channel, 1 / 2.4) - 0.055


def _channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = (_linear(int(colour[n : n + 2], 16) / 255) for n in (1, 3, 5))
    return red, green, blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours written `#rrggbb`, 1 to 21."""

    def luminance(colour: str) -> float:
        red, green, blue = _channels(colour)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def to_lch(colour: str) -> Lch:
    """`#rrggbb` in OKLCH."""
    red, green, blue = _channels(colour)
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    lightness = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return Lch(lightness, math.hypot(a, b), math.atan2(b, a))


def _rgb(colour: Lch) -> tuple[float, float, float]:
    a, b = colour.chroma * math.cos(colour.hue), colour.chroma * math.sin(colour.hue)
    long = (colour.lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (colour.lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (colour.lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def to_hex(colour: Lch) -> str:
    """The nearest `#rrggbb`; a colour that no screen shows loses chroma until one does."""
    colour = msgspec.structs.replace(colour, lightness=min(1.0, max(0.0, colour.lightness)))
    while colour.chroma > 0.001 and not all(-0.0005 <= channel <= 1.0005 for channel in _rgb(colour)):
        colour = msgspec.structs.replace(colour, chroma=colour.chroma * 0.96)
    channels = (round(255 * _gamma(min(1.0, max(0.0, channel)))) for channel in _rgb(colour))
    return "#" + "".join(f"{channel:02x}" for channel in channels)


def readable(colour: str, papers: Sequence[str], *, lighter: bool) -> str:
    """The colour itself if it can be read on all papers, else the nearest lightness that can, of the same hue."""
    lch, step = to_lch(colour), 0.004 if lighter else -0.004
    while min(contrast(colour, paper) for paper in papers) < ENOUGH and 0 < lch.lightness < 1:
        lch = msgspec.structs.replace(lch, lightness=lch.lightness + step)
        colour = to_hex(lch)
    return colour


def _scheme(scheme: str, chosen: Mapping[str, str]) -> dict[str, str]:
    """Every custom property of one scheme."""
    dark = scheme == "dark"
    found = dict(_NEUTRAL[scheme])
    for name, colour in chosen.items():
        lch = to_lch(colour)
        found[f"{name}_tint"] = to_hex(
            Lch(_TINT[scheme], min(lch.chroma, _TINT_CHROMA[name]), lch.hue + _TINT_TURN[name])
        )
    papers = [found["paper"], found["raised"], *(found[f"{name}_tint"] for name in chosen)]
    for name, colour in chosen.items():
        if dark:
            lch = to_lch(colour)
            lifted, muted = max(lch.lightness, _LIFTED), min(lch.chroma, 0.085)
            colour = to_hex(msgspec.structs.replace(lch, lightness=lifted, chroma=muted))
        found[name] = readable(colour, papers, lighter=dark)
    found["on_accent"] = found["paper"] if dark else found["raised"]
    return found


@cache
def palette(accent: str = "", notice: str = "", past_due: str = "") -> Mapping[str, Mapping[str, str]]:
    """The custom properties of the schemes `light` and `dark`; an empty colour is the theme's own."""
    given = {"accent": accent, "notice": notice, "past_due": past_due}
    chosen = {name: given[name] or default for name, default in DEFAULTS.items()}
    return {scheme: _scheme(scheme, chosen) for scheme in ("light", "dark")}


def pairs(scheme: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Every pair of names in a scheme that the theme sets as text on paper."""
    papers = ("paper", "raised", "accent_tint", "notice_tint", "past_due_tint")
    for text in ("ink", "quiet", "accent", "notice", "past_due"):
        for paper in papers:
            yield text, paper
    yield "on_accent", "accent"


def as_css(schemes: Mapping[str, Mapping[str, str]]) -> str:
    """The palette as rules; paper is always light."""

    def rule(scheme: str) -> str:
        return (
            ":root {"
            + " ".join(f"--{name.replace('_', '-')}: {value};" for name, value in schemes[scheme].items())
            + "}"
        )

    return f"{rule('light')}\n@media screen and (prefers-color-scheme: dark) {{{rule('dark')}}}\n"


def chosen_colours(colours: Colours, path: str) -> tuple[str, tuple[Finding, ...]]:
    """The rules for the colours that a site sets (empty if it sets none), and what had to be corrected."""
    given = {name: getattr(colours, name) or "" for name in DEFAULTS}
    if not any(given.values()):
        return "", ()
    schemes = palette(**given)
    findings = tuple(
        Finding(
            path=path,
            code="colour-contrast",
            severity="warning",
            message=f"{colour} is too pale to read on the theme's paper; {schemes['light'][name]} is used instead",
            hint=f"write {name}: '{schemes['light'][name]}', or a darker colour of your own",
            at=("theme", "colours", name),
        )
        for name, colour in given.items()
        if colour and schemes["light"][name] != colour
    )
    return as_css(schemes), findings
