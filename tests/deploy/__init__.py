"""Deploying the kernels' restore."""
