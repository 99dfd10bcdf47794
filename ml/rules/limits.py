"""The largest pictures that are decoded."""

# Larger than any camera's picture; what declares more is refused or left out, and never decoded.
# A site may set another limit for its uploads (UPLOAD_MAX_PIXELS).
MAX_PIXELS = 100_000_000

# Pillow refuses to open anything larger: twice PIL.Image.MAX_IMAGE_PIXELS. A limit above it would
# promise what no decoder here keeps.
PILLOW_MAX_PIXELS = 178_956_970

# Pages of a file that are shown; a region is found for each of them.
MAX_PAGES = 40
