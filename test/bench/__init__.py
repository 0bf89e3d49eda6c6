"""The performance budget of the design, measured; ratios against references of the same run."""
