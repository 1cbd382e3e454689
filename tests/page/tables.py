"""Pictures of tables, drawn by hand."""

from PIL import Image, ImageDraw

from tests.server.handwriting import write
from tests.server.pictures import file


def table(rows, tall=60, wide=3.4, *, ruled=True):
    """A PNG file of a table.

    Args:
        rows: of each the cells' numbers, empty where a cell is blank.
        tall: pixels of a digit.
        wide: of a cell, in heights of a digit.
        ruled: whether lines part its cells.
    """
    across, down, margin = int(wide * tall), int(1.7 * tall), tall
    width, height = len(rows[0]) * across, len(rows) * down
    image = Image.new("L", (width + 2 * margin, height + 2 * margin), 255)
    draw = ImageDraw.Draw(image)
    for row in range(ruled * (len(rows) + 1)):
        y = margin + row * down
        draw.line([(margin, y), (margin + width, y)], 90, 2)
    for column in range(ruled * (len(rows[0]) + 1)):
        x = margin + column * across
        draw.line([(x, margin), (x, margin + height)], 90, 2)
    for row, cells in enumerate(rows):
        for column, text in enumerate(cells):
            left, top = margin + (column + 0.14) * across, margin + row * down + 0.35 * tall
            for stroke in write(text, left, top, tall):
                draw.line(stroke, fill=0, width=tall // 12, joint="curve")
    return file(image)
