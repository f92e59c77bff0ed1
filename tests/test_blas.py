"""BLAS is given back as it was found, however calls overlap."""

import json
import os
import subprocess
import sys
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


OPENMP = """
import sklearn.cluster, threading
from threadpoolctl import threadpool_info, threadpool_limits
from unseen.core.blas import one_blas_thread
from unseen.core.workers import Workers

def count(_=None):
    return [[i["num_threads"] for i in threadpool_info() if i["user_api"] == "openmp"]]

workers = Workers(2)
with one_blas_thread():
    print(workers.sum(count, range(6)))
    print(count())
    threadpool_limits(limits=5, user_api="openmp")
print(count())
"""


def test_workers_call_openmp_with_one_thread_and_the_caller_as_it_likes():
    pytest.importorskip("sklearn.cluster")
    environment = {**os.environ, "OMP_NUM_THREADS": "3"}
    done = subprocess.run([sys.executable, "-c", OPENMP], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    workers, during, after = ({n for counts in json.loads(line) for n in counts} for line in done.stdout.splitlines())
    if not during:
        pytest.skip("nothing here is built on OpenMP")
    assert (workers, during, after) == ({1}, {3}, {5})
