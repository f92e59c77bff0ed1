"""`python -m unseen.demo`: the first story."""

from unseen.demo.flights import run

run()
