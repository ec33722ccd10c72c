"""The perf lane: claims about cost, and kernels and conversions against the limits of this machine."""
