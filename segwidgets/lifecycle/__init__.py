"""The kernel that comes back by itself: what a notebook instance is given, and how it gets there.

What the instance runs lies in the folder ``lifecycle`` of the project; this package bundles it (`bundle`), fills in the
two scripts of SageMaker's lifecycle configuration (`scripts`), and deploys them (`deploy`, `template`).
"""
