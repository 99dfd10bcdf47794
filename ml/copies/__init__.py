"""Near-identical and edited copies: a hash of all pixels, and local features with positions.

`pdq` and `lookup` find a picture that was saved again, scaled, turned or mirrored among millions;
`features` and `verification` prove of two pictures that one shows a part of the other, and where.
`comparison` asks both.
"""
