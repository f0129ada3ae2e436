"""Hours of steady load, and whether anything grows with them."""
