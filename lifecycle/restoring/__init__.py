"""The restore of the notebook's kernels from a bundle: standard library and py-rattler, Python 3.10 or later."""

#: Part of an environment's key: a change here builds every environment anew.
RESTORE_VERSION = "1"
