"""Audio in the gateway: decode, resample, detect speech, pack windows, join, encode.

Everything here is synchronous and CPU-bound; callers run it in a bounded thread pool. Nothing is
shared between instances; one instance is used by one thread at a time.
"""
