"""What every model needs, whatever it is for: reading its folder, cutting batches, computing with torch."""
