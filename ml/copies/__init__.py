"""Near-identical and edited copies: a hash of the whole picture, and local features with a place.

`pdq` and `lookup` find a picture that was saved again, scaled, turned or mirrored among millions;
`features` and `verification` prove of two pictures that one shows a part of the other, and where.
`comparison` asks both.
"""
