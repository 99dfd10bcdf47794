"""Pages of one design: are their copies named, and other content in the same design not?"""
