"""A small production loop that lives for many months, the faults that hit it, and what must hold all the while.

==============  =======================================================================================
``world``       months of rows whose true density is known, one unseen.yaml, retrains in and out of process
``data``        faults of what is delivered
``learning``    faults of the fit and of the gates
``system``      faults of the disk, the registry, the clock and the state folder
``process``     killed, interrupted, and two at once
``witness``     the invariants, looked at after every step
``life``        month after month, some of them hit by a fault
==============  =======================================================================================
"""
