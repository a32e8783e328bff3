"""Benchmarks: our work beside its peers, in fresh processes, one command each."""
