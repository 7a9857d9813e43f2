"""`fashion_mnist` (small scale): ten kinds of garment, 28×28, drawn from random parameters.

A garment is a handful of parts laid on a `Canvas`, which holds all images of one class at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .base import Arrays, balanced_labels
from .canvas import Canvas, line, most, only, ramp, weave

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


# What sets the five upper-body garments apart: (low, high) of uniform lengths, or a probability.
# They overlap on purpose, as in a wardrobe.
TOPS: dict[str, dict[str, tuple[float, float]]] = {
    "T-shirt/top": {
        "shoulder": (0.38, 0.54), "chest": (0.38, 0.56), "waist": (0.34, 0.56),
        "hem": (0.36, 0.60), "length": (0.62, 0.95), "sleeve": (0.20, 0.62),
        "angle": (0.35, 1.05), "arm": (0.13, 0.23), "neck": (0.14, 0.30), "depth": (0.06, 0.34),
    },
    "Pullover": {
        "shoulder": (0.36, 0.50), "chest": (0.38, 0.55), "waist": (0.36, 0.55),
        "hem": (0.36, 0.58), "length": (0.66, 0.94), "sleeve": (0.95, 1.6),
        "angle": (0.12, 0.40), "arm": (0.13, 0.21), "neck": (0.12, 0.26), "depth": (0.02, 0.22),
    },
    "Dress": {
        "shoulder": (0.20, 0.40), "chest": (0.24, 0.42), "waist": (0.18, 0.38),
        "hem": (0.26, 0.64), "length": (0.86, 0.96), "sleeve": (0.1, 1.2),
        "angle": (0.15, 0.60), "arm": (0.08, 0.16), "neck": (0.10, 0.24), "depth": (0.06, 0.30),
    },
    "Coat": {
        "shoulder": (0.35, 0.48), "chest": (0.37, 0.54), "waist": (0.35, 0.54),
        "hem": (0.38, 0.60), "length": (0.70, 0.95), "sleeve": (1.05, 1.6),
        "angle": (0.12, 0.36), "arm": (0.13, 0.21), "neck": (0.10, 0.24), "depth": (0.06, 0.34),
    },
    "Shirt": {
        "shoulder": (0.36, 0.52), "chest": (0.37, 0.55), "waist": (0.34, 0.55),
        "hem": (0.36, 0.60), "length": (0.64, 0.95), "sleeve": (0.22, 1.6),
        "angle": (0.12, 0.90), "arm": (0.13, 0.22), "neck": (0.10, 0.28), "depth": (0.04, 0.34),
    },
}  # fmt: skip
TRAIT_NAMES = ("bare", "print", "rib", "collar", "buttons", "open", "hood", "belt", "pocket")
# Shares of each garment with a trait: no sleeves, a print, ribbed cuffs and hem, a front that
# opens, ...
TRAITS: dict[str, dict[str, float]] = {
    "T-shirt/top": {
        "bare": 0.12, "print": 0.4, "stripes": 0.25, "rib": 0.1, "buttons": 0.08, "collar": 0.08,
    },
    "Pullover": {
        "print": 0.2, "stripes": 0.22, "checks": 0.05, "rib": 0.65, "collar": 0.08, "hood": 0.12,
        "buttons": 0.05, "open": 0.06, "pocket": 0.15,
    },
    "Dress": {
        "bare": 0.5, "print": 0.1, "stripes": 0.2, "checks": 0.05, "belt": 0.35, "collar": 0.08,
        "buttons": 0.1,
    },
    "Coat": {
        "stripes": 0.05, "checks": 0.1, "collar": 0.6, "open": 0.75, "buttons": 0.15, "rib": 0.2,
        "hood": 0.2, "belt": 0.12, "pocket": 0.6,
    },
    "Shirt": {
        "bare": 0.08, "print": 0.15, "stripes": 0.2, "checks": 0.2, "collar": 0.65,
        "buttons": 0.7, "rib": 0.1, "pocket": 0.15, "open": 0.05,
    },
}  # fmt: skip


def top(c: Canvas, name: str) -> None:
    """Draw T-shirts, pullovers, dresses, coats or shirts: a body, two sleeves and the details."""
    size = {part: c.between(*limits) for part, limits in TOPS[name].items()}
    share = TRAITS[name]
    has = {trait: c.chance(share.get(trait, 0.0)) for trait in TRAIT_NAMES}
    light = c.between(0.35, 0.95)
    cloth = weave(c, share.get("stripes", 0.0), share.get("checks", 0.0))
    across = np.abs(c.u)
    crown = c.between(-0.95, -0.84)
    armpit = crown + c.between(0.40, 0.52)
    middle = 0.5 * (armpit + size["length"])

    # Sleeves first: a tapering arm that leaves the shoulder at an angle, with a straight cuff.
    angle = size["angle"] + np.sign(c.u) * c.normal(0.0, 0.05)
    x, y = across - size["shoulder"] + 0.12, c.v - crown - 0.19
    along = x * np.sin(angle) + y * np.cos(angle)
    aside = x * np.cos(angle) - y * np.sin(angle)
    reach = size["sleeve"] + 0.12
    taper = size["arm"] * (1.0 - c.between(0.1, 0.4) * np.clip(along / 1.5, 0.0, 1.0))
    sleeve = most(np.abs(aside) - taper, along - reach, -along - size["arm"])
    sleeve = only(1.0 - has["bare"], sleeve)
    c.paint(sleeve, light * c.between(0.8, 1.0) * cloth)
    ribbed = 1.0 - has["rib"] * c.between(0.15, 0.4)
    c.shade(most(sleeve, reach - along - 0.10), ribbed)

    # The body: half its width changes from shoulder to chest to waist to hem.
    shoulder = size["shoulder"] * (1.0 - 0.3 * has["bare"])
    width = shoulder + (size["chest"] - shoulder) * ramp(c.v, crown, armpit)
    width = width + (size["waist"] - size["chest"]) * ramp(c.v, armpit, middle)
    width = width + (size["hem"] - size["waist"]) * ramp(c.v, middle, size["length"])
    slope = crown + c.between(0.15, 0.4) * np.maximum(across - size["neck"], 0.0)
    hem = size["length"] - c.normal(0.02, 0.03) * (across / 0.5) ** 2
    side = across - width
    body = most(side, slope - c.v, c.v - hem)
    c.paint(body, light * cloth)
    c.shade(line(most(side, armpit - 0.25 - c.v), 0.035), c.between(0.55, 0.95))
    c.shade(most(body, hem - 0.1 - c.v), ribbed)

    high = c.between(-0.35, 0.1)
    chest = most(across - c.between(0.12, 0.30), line(c.v - high, c.between(0.08, 0.3)), body)
    spots = np.sin(c.between(6, 16) * c.u + c.between(0, 6)) * np.sin(c.between(6, 16) * c.v)
    c.shade(only(has["print"], chest), c.between(0.3, 1.6) * (1 + 0.4 * spots))
    tilt = across - c.between(0.2, 0.3)
    pocket = most(line(tilt, 0.11), line(c.v - c.between(0.2, 0.5) - 0.2 * tilt, 0.03))
    c.shade(only(has["pocket"], pocket), c.between(0.5, 0.8))
    c.shade(only(has["belt"], most(body, line(c.v - middle, 0.05))), c.between(0.4, 1.5))

    # The neckline, round or pointed: one sees the inside of the back, or through it.
    neck = across / size["neck"]
    pointed = c.chance(0.3)
    opening = c.v - crown - size["depth"] * (1.0 - pointed * neck - (1.0 - pointed) * neck**2)
    c.shade(most(body, opening - 0.07), c.between(0.7, 1.2))  # its border
    lined = c.chance(0.5)
    c.shade(only(lined, opening), c.between(0.2, 0.6))
    c.cut(only(1.0 - lined, opening))

    throat = crown + size["depth"]
    front = most(line(c.u - c.normal(0.0, 0.02), 0.028), throat - c.v, c.v - hem)
    c.shade(only(has["open"], front), c.between(0.1, 0.7))
    c.shade(only(has["buttons"], front), c.between(0.65, 1.25))
    button = np.hypot(c.u, np.mod(c.v, 0.25) - 0.125) - 0.035
    c.shade(only(has["buttons"], most(button, throat + 0.05 - c.v)), c.between(0.3, 0.8))
    fall = c.v - crown
    lapel = most(line(across - 0.75 * size["neck"] + 0.5 * fall - 0.05, 0.07), fall - 0.36)
    lapel = most(lapel, -0.06 - fall)
    c.paint(only(has["collar"], lapel), light * c.between(0.7, 1.25))
    hood = 0.2 * line(np.hypot(across / 0.34, (fall - 0.08) / 0.2) - 1.0, 0.25)
    c.paint(only(has["hood"], hood), light * c.between(0.6, 1.0))


def trouser(c: Canvas) -> None:
    """Draw trousers: a waistband and two legs with a gap."""
    light, cloth = c.between(0.35, 0.95), weave(c, 0.03, 0.05)
    across = np.abs(c.u)
    waist, hip, foot = c.between(0.20, 0.34), c.between(0.26, 0.42), c.between(0.22, 0.48)
    end = c.between(0.82, 0.96) - c.between(0.2, 0.7) * c.chance(0.1)
    crotch = c.between(-0.5, -0.15)
    width = waist + (hip - waist) * ramp(c.v, -0.95, crotch)
    width = width + (foot - hip) * ramp(c.v, crotch, end)
    gap = c.between(0.0, 0.16) * np.clip((c.v - crotch) / (end - crotch), 0.0, 1.0) + 0.006
    legs = most(across - width, -0.93 - c.v, c.v - end)
    c.paint(legs, light * cloth)
    c.cut(most(across - gap, crotch - c.v))
    c.shade(most(legs, c.v + 0.80), c.between(0.6, 1.2))  # waistband
    crease = line(across - 0.5 * (width + gap), 0.03)
    c.shade(most(crease, crotch - c.v), c.between(0.75, 1.2))
    c.shade(most(line(c.u, 0.025), c.v - crotch), c.between(0.5, 1.0))  # fly
    worn = most(line(across - 0.5 * width, 0.09), line(c.v - crotch - 0.4, 0.3))
    c.shade(only(c.chance(0.4), worn), c.between(1.05, 1.4))


@dataclass
class Shoe:
    """What all shoes share, toe to the left: the ground, and the arch under a raised heel."""

    c: Canvas
    heel: NDArray  # how far the heel stands above the ball
    ground: NDArray

    def __post_init__(self) -> None:
        self.arch = self.ground - self.heel * ramp(self.c.u, -0.35, 0.55)

    def sole(self, thick: NDArray, wedge: NDArray, block: NDArray, light: NDArray) -> None:
        """Paint the sole: a strip, with a wedge (1) or a heel of half width `block` under it."""
        c = self.c
        span = np.abs(c.u) - 0.93
        under = most(c.v - self.ground, self.arch - thick - c.v, span)
        strip = most(under, c.v - self.arch)
        post = most(under, line(c.u - 0.90 + block, block))
        c.paint(np.minimum(np.minimum(strip, only(wedge, under)), post), light)

    def upper(
        self, toe: NDArray, instep: NDArray, back: NDArray, where: NDArray, dip: NDArray
    ) -> NDArray:
        """Return the distance to the cover, from the toe's height over the instep to the heel's.

        `where` the tongue ends the opening begins: it lies lower by `dip`.
        """
        c = self.c
        tip = np.sqrt(np.clip(1.0 - ((-0.45 - c.u) / 0.47).clip(0.0, 1.0) ** 3, 0.0, 1.0))
        height = (toe + (instep - toe) * ramp(c.u, -0.5, where)) * tip
        height = height + (back - instep) * ramp(c.u, where, 0.8)
        height = height - dip * ramp(c.u, where, where + 0.2) * (1.0 - ramp(c.u, 0.6, 0.8))
        bulge = 0.04 * np.sin(np.pi * np.clip((self.arch - c.v) / 0.8, 0.0, 1.0))
        return most(c.v - self.arch, self.arch - height - c.v, c.u - 0.88 - bulge)


def sneaker(c: Canvas) -> None:
    """Draw sneakers: a low cover on a thick, mostly bright sole, laces, a patch on the side."""
    shoe = Shoe(c, c.between(0.0, 0.12), c.between(0.35, 0.55))
    light, cloth = c.between(0.3, 0.95), weave(c, 0.0, 0.1)
    high = c.between(0.2, 0.6) * c.chance(0.22)  # high-tops
    instep, where = c.between(0.52, 0.76) + high, c.between(-0.05, 0.2)
    back, dip = c.between(0.5, 0.8) + high, c.between(0.0, 0.2)
    upper = shoe.upper(c.between(0.30, 0.44), instep, back, where, dip)
    c.paint(upper, light * cloth)
    slide = c.u - where - 0.8 * (c.v - shoe.arch + instep - 0.1)
    laces = most(line(np.mod(slide, 0.16) - 0.08, 0.03), line(slide + 0.14, 0.2), upper)
    c.shade(only(c.chance(0.7), most(laces, c.v - shoe.arch + 0.28)), c.between(0.4, 1.8))
    slant, x = c.between(-0.9, 0.9), c.between(-0.1, 0.4)
    patch = line(c.u - x - slant * (c.v - shoe.arch + 0.25), c.between(0.04, 0.14))
    c.shade(only(c.chance(0.6), most(patch, upper)), c.between(0.4, 1.8))
    c.shade(most(upper, 0.62 - c.u), c.between(0.7, 1.3))  # heel cap
    c.shade(most(upper, c.u + 0.58), c.between(0.7, 1.3))  # toe cap
    plain = c.chance(0.4)
    grey = plain * light * c.between(0.7, 1.1) + (1.0 - plain) * c.between(0.3, 1.0)
    shoe.sole(c.between(0.06, 0.18), c.chance(0.8), c.between(0.1, 0.2), grey)


def sandal(c: Canvas) -> None:
    """Draw sandals: a sole, often with a heel, and a few straps with light between them."""
    flat = c.chance(0.5)
    heel = (1 - flat) * c.between(0.25, 0.75) + flat * c.between(0.0, 0.1)
    shoe = Shoe(c, heel, c.between(0.35, 0.55) + 0.35 * heel)
    light = c.between(0.35, 0.95)
    instep, back = c.between(0.36, 0.66), c.between(0.3, 0.8)
    cover = shoe.upper(c.between(0.2, 0.32), instep, back, c.between(0.1, 0.4), c.between(0, 0.1))
    rise = c.v - shoe.arch
    toe = line(c.u + c.between(0.4, 0.7) - c.between(-0.6, 0.6) * rise, c.between(0.05, 0.16))
    c.paint(most(toe, cover), light * c.between(0.7, 1.0))
    mid = line(c.u + c.between(-0.1, 0.3) + c.between(0.2, 1.2) * rise, c.between(0.04, 0.12))
    c.paint(only(c.chance(0.75), most(mid, cover)), light * c.between(0.7, 1.0))
    ankle = most(line(cover, c.between(0.04, 0.09)), -c.u + c.between(-0.1, 0.3), rise + 0.15)
    c.paint(only(c.chance(0.7), ankle), light)
    counter = most(cover, c.between(0.5, 0.75) - c.u)
    c.paint(only(c.chance(0.6), counter), light * c.between(0.7, 1.0))
    closed = most(cover, c.u + c.between(-0.7, 0.4))
    c.paint(only(c.chance(0.3), closed), light)  # mules
    thick, grey = c.between(0.06, 0.15), light * c.between(0.6, 1.1)
    shoe.sole(thick, c.chance(0.4), c.between(0.04, 0.14), grey)


def boot(c: Canvas) -> None:
    """Draw ankle boots: a closed foot, a shaft above the heel, a heel below."""
    shoe = Shoe(c, c.between(0.0, 0.4), c.between(0.68, 0.92))
    light, cloth = c.between(0.3, 0.95), weave(c, 0.0, 0.06)
    back, where = c.between(0.6, 0.75), c.between(-0.05, 0.15)
    foot = shoe.upper(c.between(0.26, 0.40), c.between(0.5, 0.7), back, where, c.between(0, 0.05))
    rim = c.between(-0.95, 0.3)
    lean = c.normal(0.0, 0.06) * (c.v - 0.3)
    x = c.u - c.between(0.36, 0.46) - lean
    shaft = most(rim - c.v, c.v - shoe.arch, line(x, c.between(0.34, 0.48)))
    shape = np.minimum(foot, shaft)
    c.paint(shape, light * cloth)
    c.shade(most(shape, c.v - rim - 0.12), c.between(0.6, 1.2))  # rim
    zipper = most(line(x - c.between(-0.1, 0.2), 0.03), shape)
    c.shade(only(c.chance(0.4), zipper), c.between(0.4, 1.3))
    laces = most(line(np.mod(c.v, 0.2) - 0.1, 0.03), line(x + 0.35, 0.16), shape)
    c.shade(only(c.chance(0.45), laces), c.between(0.4, 1.7))
    strap = most(line(c.v - c.between(0.0, 0.3) - 0.3 * c.u, 0.05), shape)
    c.shade(only(c.chance(0.3), strap), c.between(0.5, 1.3))
    thick, grey = c.between(0.06, 0.15), light * c.between(0.4, 1.2)
    shoe.sole(thick, c.chance(0.2), c.between(0.08, 0.22), grey)


def bag(c: Canvas) -> None:
    """Draw bags: a rounded body, a handle above it, a flap, a clasp, seams."""
    light, cloth = c.between(0.35, 0.95), weave(c, 0.08, 0.12)
    across = np.abs(c.u)
    head, foot = c.between(-0.6, 0.05), c.between(0.5, 0.92)
    half, flare = c.between(0.5, 0.92), c.between(-0.15, 0.2)
    reach, rise = half * c.between(0.35, 0.9), c.between(0.3, 0.9)
    arch = np.hypot(across / reach, (c.v - head - 0.05) / rise) - 1.0
    handle = most(line(arch * 0.5, c.between(0.03, 0.06)), c.v - head - 0.1)
    c.paint(only(c.chance(0.8), handle), light * c.between(0.6, 1.2))
    middle, tall = 0.5 * (head + foot), 0.5 * (foot - head)
    corner = c.between(0.05, 0.25)
    width = half * (1.0 + flare * (c.v - middle) / tall - np.maximum(flare, 0.0))
    x, y = across - width + corner, np.abs(c.v - middle) - tall + corner
    outside = np.hypot(np.maximum(x, 0.0), np.maximum(y, 0.0))
    body = outside + np.minimum(np.maximum(x, y), 0.0) - corner
    c.paint(body, light * cloth)
    fold = head + c.between(0.3, 1.2) * tall * (1 - 0.3 * (across / half) ** 2)
    flap = most(body, c.v - fold)
    c.shade(only(c.chance(0.5), flap), c.between(0.7, 1.3))
    c.shade(only(c.chance(0.5), line(flap, 0.03)), c.between(0.5, 0.9))
    clasp = most(across - c.between(0.05, 0.15), line(c.v - middle + c.between(-0.1, 0.2), 0.07))
    c.shade(only(c.chance(0.6), clasp), c.between(0.3, 1.8))
    seam = most(line(across - c.between(0.3, 0.6), 0.03), body)
    c.shade(only(c.chance(0.4), seam), c.between(0.5, 0.9))


DRAW: dict[str, Callable[[Canvas], None]] = {
    "Trouser": trouser,
    "Sandal": sandal,
    "Sneaker": sneaker,
    "Bag": bag,
    "Ankle boot": boot,
}


def draw(rng: np.random.Generator, n: int) -> Arrays:
    """Return n garments.

    Returns:
        (n, 1, 28, 28) uint8, light on black, and (n,) int64 positions in `CLASSES`, evenly shared.
    """
    y = balanced_labels(rng, n, len(CLASSES))
    X = np.empty((n, 1, 28, 28), np.uint8)
    for label, name in enumerate(CLASSES):
        mine = y == label
        c = Canvas(rng, int(mine.sum()))
        if name in TOPS:
            top(c, name)
        else:
            DRAW[name](c)
        X[mine, 0] = c.finish()
    return X, y
