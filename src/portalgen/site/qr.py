"""QR codes as drawings: the modules of a payment code, inline for a page and as a file for a document (domain §6)."""

from __future__ import annotations

from functools import lru_cache

from markupsafe import Markup

from portalgen.rules.ways import CodeKind, Way

QUIET = 4
"""Modules of white around a code (ISO/IEC 18004)."""
LARGEST = {"epc": 13, "swiss": 25}
"""The largest versions that EPC069-12 and the QR-bill guidelines allow."""
SIZES = {"swiss": 46.0}
"""The side of a code on paper in millimetres, without the white; the QR-bill's is fixed."""
COMMON_SIZE = 30.0
CROSS = 7.0
"""The side of the Swiss cross on a code of 46 mm."""

Matrix = tuple[tuple[bool, ...], ...]


@lru_cache(maxsize=512)
def qr_matrix(text: str, kind: CodeKind) -> Matrix:
    """The modules of the code, row by row, without the white around them: error level M, UTF-8.

    Raises `ValueError` when the text is too long for its standard.
    """
    import segno

    code = segno.make_qr(text, error="m", boost_error=False, encoding="utf-8")
    if int(code.version) > LARGEST.get(kind, 40):
        raise ValueError(f"a code of version {code.version} is too large for {kind}")
    return tuple(tuple(bool(module) for module in row) for row in code.matrix)


@lru_cache(maxsize=512)
def qr_svg(text: str, kind: CodeKind) -> Markup:
    """The code as an inline SVG, black on white in any colour scheme. What it is is said by what stands around it."""
    return Markup(_svg(qr_matrix(text, kind), kind, 'aria-hidden="true"'))


def qr_svg_file(way: Way) -> bytes:
    """The code of a way as an SVG file for paper, with white around it; the code of a QR-bill is 46 mm wide."""
    matrix = qr_matrix(way.code, way.code_kind)
    side = SIZES.get(way.code_kind, COMMON_SIZE) * (len(matrix) + 2 * QUIET) / len(matrix)
    size = f'xmlns="http://www.w3.org/2000/svg" width="{side:.3f}mm" height="{side:.3f}mm"'
    return _svg(matrix, way.code_kind, size).encode("ascii")


def _svg(matrix: Matrix, kind: CodeKind, attributes: str) -> str:
    side = len(matrix)
    whole = side + 2 * QUIET
    cross = _cross(side) if kind == "swiss" else ""
    return (
        f'<svg {attributes} viewBox="{-QUIET} {-QUIET} {whole} {whole}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M{-QUIET} {-QUIET}h{whole}v{whole}h-{whole}z"/>'
        f'<path fill="#000" d="{_modules(matrix)}"/>{cross}</svg>'
    )


def _modules(matrix: Matrix) -> str:
    """The dark modules as one path, each run of a row a rectangle."""
    parts = []
    for y, row in enumerate(matrix):
        x = 0
        while x < len(row):
            start = x
            while x < len(row) and row[x]:
                x += 1
            if x > start:
                parts.append(f"M{start} {y}H{x}v1H{start}z")
            else:
                x += 1
    return "".join(parts)


def _cross(side: int) -> str:
    """The Swiss cross in the middle: a black square inside a white one, and the white cross in it."""
    unit, middle = side / SIZES["swiss"], side / 2

    def square(width: float, height: float) -> str:
        left, top = middle - width / 2 * unit, middle - height / 2 * unit
        return f"M{left:.3f} {top:.3f}h{width * unit:.3f}v{height * unit:.3f}h-{width * unit:.3f}z"

    return (
        f'<path fill="#fff" d="{square(CROSS, CROSS)}"/><path fill="#000" d="{square(6.0, 6.0)}"/>'
        f'<path fill="#fff" d="{square(3.89, 1.17)}{square(1.17, 3.89)}"/>'
    )
