"""Written tables as static pages to look at: `repro report --html`."""
