"""pixeltrack: email campaign tracking from the command line."""
