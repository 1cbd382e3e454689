"""The characters that are read."""

CHARACTERS = "0123456789.,-+/:()%"
"""In the order of their classes."""
OTHER = len(CHARACTERS)
"""The class of ink as large as a character that is none of them: letters, crossed-out digits."""
