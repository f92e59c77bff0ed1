"""BLAS is given back as it was found, however calls overlap."""

import threading

import numpy as np
from threadpoolctl import threadpool_limits

from unseen.core.engine import _blas, one_blas_thread


def counts():
    assert np.ones(2) @ np.ones(2) == 2  # so that there is one
    return [i["num_threads"] for i in _blas().info() if i["user_api"] == "blas"]


def test_calls_that_overlap_give_blas_back_as_the_first_found_it():
    with threadpool_limits(limits=2, user_api="blas"):
        before = counts()
        inside, leave = threading.Event(), threading.Event()

        def outer():
            with one_blas_thread():
                inside.set()
                leave.wait(10)

        first = threading.Thread(target=outer)
        first.start()
        inside.wait(10)
        with one_blas_thread():  # begins while the first holds, ends after it
            leave.set()
            first.join()
            assert set(counts()) == {1}
        assert counts() == before
