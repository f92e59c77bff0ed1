"""BLAS is given back as it was found, however calls overlap."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from unseen.core.blas import _blas, one_blas_thread


def counts():
    assert np.ones(2) @ np.ones(2) == 2  # so that there is one
    return [i["num_threads"] for i in _blas().info() if i["user_api"] == "blas"]


@pytest.mark.parametrize("first_leaves_first", [True, False])
def test_calls_that_overlap_give_blas_back_as_the_first_found_it(first_leaves_first):
    before = counts()
    inside, leave = threading.Event(), threading.Event()

    def other():
        with one_blas_thread():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with one_blas_thread():
        thread.start()
        inside.wait(10)
        assert set(counts()) == {1}
        if not first_leaves_first:
            leave.set()
            thread.join()
            assert set(counts()) == {1}
    leave.set()
    thread.join()
    assert counts() == before
    with threadpool_limits(limits=1, user_api="blas"):  # and others may set it again
        assert set(counts()) == {1}
    assert counts() == before
