"""The benchmark battery: the same work by this package, by its peers, and by hand, side by side."""
