"""A font in one PDF: only the glyphs that stand on its page, and what each of them is read as.

Codes are the font's own numbers of its glyphs (Identity-H, ISO 32000-1 §9.7.5.2), so the octets depend on nothing that
was drawn before or beside. Whoever prints the page needs no font.
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from struct import unpack_from
from typing import TYPE_CHECKING, Any

from channels._poster.faces import Face, Glyph, opened

if TYPE_CHECKING:
    import uharfbuzz

_OF_SETTING = ("BASE", "GDEF", "GPOS", "GSUB", "OS/2", "VORG", "cmap", "name", "post", "vhea", "vmtx")
"""Tables of a font that no page needs: its text is set already."""
_SYMBOLIC = 4
"""Its codes are its own (ISO 32000-1, table 123)."""
_STEM = 140
"""How thick bold stems are. What draws the glyphs themselves has no use for it, and the standard asks for it."""


def write(canvas: Any, face: Face, text: str, size_pt: float, at: tuple[float, float]) -> None:
    """One stretch that begins there and stands there."""
    _subset(canvas, face).write(canvas, text, size_pt, at)


def _subset(canvas: Any, face: Face) -> "Subset":
    fonts = canvas._doc.delayedFonts
    found = next((each for each in fonts if each.face == face), None)
    if found is None:
        found = Subset(face, f"N{len(fonts)}")
        fonts.append(found)
    return found


class Subset:
    """Of one face. `addObjects` is what reportlab asks of a font once the page is drawn."""

    def __init__(self, face: Face, name: str) -> None:
        """`name`: by which the page calls the font."""
        self.face = face
        self._name = name
        self._drawn: dict[int, Glyph] = {}

    def write(self, canvas: Any, text: str, size_pt: float, at: tuple[float, float]) -> None:
        """A glyph has one reading in a document. What is not read like that, as joined and reordered letters are not,
        carries its own words (ISO 32000-1 §14.9.4)."""
        glyphs = self.face.glyphs(text)
        for glyph in glyphs:
            self._drawn.setdefault(glyph.number, glyph)
        drawn = (
            f"BT /{self._name} {size_pt:g} Tf 1 0 0 1 {at[0]:.2f} {at[1]:.2f} Tm {shown(glyphs, size_pt)} ET"
        )
        if "".join(self._drawn[glyph.number].text for glyph in glyphs) != text:
            drawn = f"/Span <</ActualText <feff{_utf16(text)}>>> BDC {drawn} EMC"
        canvas.addLiteral(drawn)

    def addObjects(self, document: Any) -> None:  # noqa: N802 - reportlab's name
        from reportlab.pdfbase.pdfdoc import PDFArray  # noqa: PLC0415

        numbers = sorted(self._drawn)
        font = opened(self.face.path, self.face.index)
        name = f"/{_tag(numbers)}+{font.face.get_name(6)}"  # its PostScript name
        kind, descriptor = _file(document, font.face, numbers)
        descriptor |= {"Type": "/FontDescriptor", "FontName": name, "Flags": _SYMBOLIC, "ItalicAngle": 0}
        descriptor |= {"StemV": _STEM} | _measures(font)
        widths = [part for each in numbers for part in (each, PDFArray([f"{self._drawn[each].width:g}"]))]
        glyphs = kind | {
            "Type": "/Font",
            "BaseFont": name,
            "CIDSystemInfo": "<</Registry (Adobe) /Ordering (Identity) /Supplement 0>>",
            "FontDescriptor": _object(document, descriptor),
            "W": PDFArray(widths),
        }
        document.idToObject["BasicFonts"].dict[self._name] = _object(
            document,
            {
                "Type": "/Font",
                "Subtype": "/Type0",
                "BaseFont": name,
                "Encoding": "/Identity-H",
                "DescendantFonts": PDFArray([_object(document, glyphs)]),
                "ToUnicode": _stream(document, _readings(self._drawn).encode()),
            },
        )


def shown(glyphs: Sequence[Glyph], size_pt: float) -> str:
    """The operators between a text's begin and end. In an array, a number goes back by thousandths of the size."""
    parts, up, back = ["[<"], 0.0, 0.0
    for glyph in glyphs:
        if glyph.up != up:
            up = glyph.up
            parts.append(f">] TJ {up * size_pt / 1000:.3f} Ts [<")
        if (back := back - glyph.right) != 0:
            parts.append(f">{back:g}<")
        parts.append(f"{glyph.number:04x}")
        back = glyph.right + glyph.width - glyph.advance
    return "".join(parts) + (">] TJ 0 Ts" if up else ">] TJ")


def _file(
    document: Any, face: "uharfbuzz.Face", numbers: Sequence[int]
) -> tuple[dict[str, str], dict[str, Any]]:
    """The glyphs' outlines, and what has to be said of them in the font and in its descriptor.

    Outlines of PostScript (CFF) are found by the number that their font had for them, which stays in the file; those
    of TrueType by their place in it, so nothing is moved.
    """
    import uharfbuzz  # noqa: PLC0415 - for who makes a page

    truetype = "glyf" in face.table_tags
    wanted = uharfbuzz.SubsetInput()
    wanted.glyph_set.update(numbers)
    wanted.drop_table_tag_set.update(int.from_bytes(tag.encode(), "big") for tag in _OF_SETTING)
    wanted.flags = uharfbuzz.SubsetFlags.NO_HINTING | uharfbuzz.SubsetFlags.NO_LAYOUT_CLOSURE
    if truetype:
        wanted.flags |= uharfbuzz.SubsetFlags.RETAIN_GIDS
    cut = uharfbuzz.subset(face, wanted)
    if truetype:
        file = {"FontFile2": _stream(document, bytes(cut.blob.data), Length1=len(cut.blob.data))}
        return {"Subtype": "/CIDFontType2", "CIDToGIDMap": "/Identity"}, file
    file = {"FontFile3": _stream(document, bytes(cut.reference_table("CFF ").data), Subtype="/CIDFontType0C")}
    return {"Subtype": "/CIDFontType0"}, file


def _measures(font: "uharfbuzz.Font") -> dict[str, Any]:
    from reportlab.pdfbase.pdfdoc import PDFArray  # noqa: PLC0415

    scale = 1000 / font.face.upem
    box = unpack_from(
        ">4h", font.face.reference_table("head").data, 36
    )  # OpenType, head: xMin, yMin, xMax, yMax
    extents = font.get_font_extents("ltr")
    return {
        "FontBBox": PDFArray([round(each * scale) for each in box]),
        "Ascent": round(extents.ascender * scale),
        "Descent": round(extents.descender * scale),
        "CapHeight": round(extents.ascender * scale),
    }


def _readings(drawn: Mapping[int, Glyph]) -> str:
    """As a character map (ISO 32000-1 §9.10.3)."""
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n"
        "/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n"
        "/CMapName /Adobe-Identity-UCS def /CMapType 2 def\n"
        "1 begincodespacerange <0000> <ffff> endcodespacerange\n"
        + "".join(
            _blocks(
                [f"<{each:04x}> <{_utf16(drawn[each].text)}>\n" for each in sorted(drawn) if drawn[each].text]
            )
        )
        + "endcmap CMapName currentdict /CMap defineresource pop end end\n"
    )


def _blocks(lines: Sequence[str]) -> Iterator[str]:
    """A hundred lines are the most that one may have."""
    for at in range(0, len(lines), 100):
        block = lines[at : at + 100]
        yield f"{len(block)} beginbfchar\n{''.join(block)}endbfchar\n"


def _utf16(text: str) -> str:
    return text.encode("utf-16-be").hex()


def _tag(numbers: Sequence[int]) -> str:
    """Six letters say that a font is a subset, and which one (ISO 32000-1 §9.6.4)."""
    digest = blake2b(repr(numbers).encode(), digest_size=6).digest()
    return "".join(chr(ord("A") + octet % 26) for octet in digest)


def _object(document: Any, entries: Mapping[str, Any]) -> Any:
    from reportlab.pdfbase.pdfdoc import PDFDictionary  # noqa: PLC0415

    return document.Reference(PDFDictionary(dict(entries)))


def _stream(document: Any, octets: bytes, **entries: Any) -> Any:
    from reportlab.pdfbase.pdfdoc import PDFDictionary, PDFStream, PDFZCompress  # noqa: PLC0415

    return document.Reference(PDFStream(PDFDictionary(entries), octets, [PDFZCompress]))
