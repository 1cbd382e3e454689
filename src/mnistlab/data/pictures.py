"""Pictures: many picture files, decoded side by side into one array of images."""
