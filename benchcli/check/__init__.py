"""Base against head: is one version slower, or costlier, than the other?"""
