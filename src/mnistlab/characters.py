"""The characters that are read."""

CHARACTERS = "0123456789.,-+/:()%"
"""In the order of their classes."""
DIGITS = 10
"""As many are digits, the first ones."""
OTHER = len(CHARACTERS)
"""The class of ink as large as a character that is none of them: letters, crossed-out digits."""
