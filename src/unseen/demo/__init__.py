"""Two stories on the 336,776 flights that left New York in 2013.

``flights`` fits them, ``production`` lives with them.
"""
