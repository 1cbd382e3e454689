// Characters: those that are read, in the order of their probabilities, as characters.py has them.

export const CHARACTERS = "0123456789.,-+/:()%";
export const DIGITS = 10; // the first ones
