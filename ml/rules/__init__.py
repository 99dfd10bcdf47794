"""Rules that the web and the models share: each stands here once, in a module named for it.

Only numpy, Pillow, pillow_heif and the standard library are imported, and nothing else of ours.
"""
