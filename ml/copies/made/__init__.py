"""Made pairs of pictures: copies, and other content in the same design.

`designs` draws pages of which only the content changes, `edits` is what people do to a picture.
"""
