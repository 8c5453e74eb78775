"""One page on the papers' claims and how they fare on the base that nobody tuned: `repro claims --page`."""
