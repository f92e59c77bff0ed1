"""A world of data streams, of months that are wrong, clean or slowly moving, and what a production loop makes of them.

==============  =======================================================================================
``streams``     synthetic streams of different nature, whose law is known
``real``        flights and bank marketing, cut into months
``columns``     wrong months in which a column or two are not what they were
``months``      wrong months as a whole, and the table of all of them
``door``        the product as a user has it: init, retrain and drift
``living``      the life of one stream at one size: clean months, then what was asked for
``harm``        what a promotion did to ordinary rows
``tasks``       what is to be run, in worker processes, and what was found, line by line
``table``       what was found, against what was promised
==============  =======================================================================================
"""

import os

# before anything loads a BLAS: loops side by side would fight over cores
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
